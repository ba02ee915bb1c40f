"""What training on the bundled corpus does to a model from random weights, and what our command costs beside bare TRL.

Run: python benchmarks/train_gpu.py --data data --out OUT --size 100m --part accuracy
     python benchmarks/train_gpu.py --data data --out OUT --size 100m --part throughput
     python benchmarks/train_gpu.py --data data --out OUT --part text      (CPU; needs scikit-learn)
     python benchmarks/train_gpu.py --data data --out OUT --part table     (all of what lies in OUT, as Markdown)
`--data` holds the folders safety-sft and safety-dpo that `make build` writes. `--size tiny` is for a try on a CPU.

accuracy: an Idefics3 from random weights (tests/train/tinymodels.py), `cross-safety train sft`, then `train dpo` from
it, on `exclusive`/train. Held out: every row of `overlapped`, whose countries are not in `exclusive`; preference
accuracy per token before, after SFT and after DPO, each with the pictures and with an even grey in their place.
text: the same rows told apart by two classifiers of the answers' text alone, trained on the same training rows.
throughput: `cross-safety train` and benchmarks/bare_trl.py in turn, same settings; medians, and lowest to highest.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SFT = {"tiny": ["--max_steps", "6"], "100m": ["--num_train_epochs", "30"]}
DPO = {"tiny": ["--max_steps", "6"], "100m": ["--num_train_epochs", "4"]}
SPEED_STEPS = {"tiny": 4, "100m": 80}
STAGES = ("before", "after SFT", "after DPO")
CHANCE = "50 is chance; 95 % intervals over clusters of rows that share a norm, a prompt or a picture"


def find_package() -> None:
    """Make `cross_safety` importable here and in processes of ours, from this checkout where it is not installed."""
    links = Path(tempfile.mkdtemp())
    (links / "cross_safety").symlink_to(ROOT)
    paths = [str(links), str(ROOT / "tests" / "train")]
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def command(*words: object) -> float:
    """`cross-safety WORDS` in a process of its own; seconds of wall time."""
    return timed([sys.executable, "-c", "from cross_safety.cli import main; main()", *map(str, words)])


def timed(words: list[str]) -> float:
    """Run a process to its good end; seconds of wall time."""
    begun = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words[-12:])}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}")
    return time.monotonic() - begun


def corpus(data: Path) -> list[str]:
    """The texts of the training rows, for the tokenizer."""
    from cross_safety.store.opened import open_dataset

    dataset = open_dataset(str(data / "safety-dpo"))
    rows = dataset.rows("exclusive", "train", columns=["prompt", "chosen", "rejected"], batch=512)
    return [row[field][0]["content"] for row in rows for field in ("prompt", "chosen", "rejected")]


def make_model(args: argparse.Namespace) -> int:
    """The model from random weights, in OUT/before; its parameters."""
    import tinymodels

    return tinymodels.make_idefics3(args.out / "before", corpus(args.data), args.size)


def machine() -> dict[str, Any]:
    """Where this ran."""
    import platform
    from importlib.metadata import version

    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    packages = {each: version(each) for each in ("torch", "trl", "transformers", "datasets")}
    return {"device": name, "python": platform.python_version(), **packages}


def common(args: argparse.Namespace, batch: int) -> list[str]:
    """Flags of every run, ours and the bare one's."""
    import torch

    cpu = [] if torch.cuda.is_available() else ["--bf16", "false"]
    workers = "0" if args.size == "tiny" else "8"
    batch = 2 if args.size == "tiny" else batch
    return [
        "--per_device_train_batch_size", str(batch), "--gradient_checkpointing", "false", "--save_strategy", "no",
        "--dataloader_num_workers", workers, "--seed", "42", "--logging_steps", "10", "--disable_tqdm", "true", *cpu,
    ]  # fmt: skip


def accuracy_part(args: argparse.Namespace) -> dict[str, Any]:
    """Train, and score the held-out countries at each stage."""
    parameters = make_model(args)
    sft = [*common(args, 16), "--learning_rate", "3e-4", "--lr_scheduler_type", "cosine", "--warmup_steps", "20"]
    dpo = [*common(args, 16), "--learning_rate", "2e-5", "--lr_scheduler_type", "cosine", "--beta", "0.1"]
    folders = {"before": args.out / "before", "after SFT": args.out / "sft", "after DPO": args.out / "dpo"}
    seconds = {
        "sft": command("train", "sft", "--data", args.data / "safety-sft", "--config", "exclusive", "--model",
                       folders["before"], "--out", folders["after SFT"], "--replace", *sft, *SFT[args.size]),
        "dpo": command("train", "dpo", "--data", args.data / "safety-dpo", "--config", "exclusive", "--model",
                       folders["after SFT"], "--out", folders["after DPO"], "--replace", *dpo, *DPO[args.size]),
    }  # fmt: skip
    found = {
        "machine": machine(),
        "size": args.size,
        "parameters": parameters,
        "settings": {"sft": [*sft, *SFT[args.size]], "dpo": [*dpo, *DPO[args.size]]},
        "seconds": seconds,
        "training": {name: read_metrics(folders[stage]) for name, stage in (("sft", STAGES[1]), ("dpo", STAGES[2]))},
    }
    return found | score_stages(args, folders)


def read_metrics(out: Path) -> dict[str, Any]:
    """What a run of ours wrote down."""
    metrics: dict[str, Any] = json.loads((out / "training.json").read_text())["metrics"]
    return metrics


def held_out(args: argparse.Namespace) -> Any:
    """Every row of the countries that no model here is trained on."""
    from cross_safety.eval.preference import select
    from cross_safety.store.opened import open_dataset

    dataset = open_dataset(str(args.data / "safety-dpo"))
    limit = 12 if args.size == "tiny" else None
    return select(dataset, "overlapped", ("train", "validation"), limit=limit)


def score_stages(args: argparse.Namespace, folders: dict[str, Path]) -> dict[str, Any]:
    """Figures of each stage, with pictures and with blank ones, and what DPO changed."""
    from cross_safety.eval.preference import Scorer, differences, figures, jsonable, texts

    held = held_out(args)
    batch = 4 if args.size == "tiny" else 32
    scores: dict[str, dict[str, Any]] = {}
    for stage, folder in folders.items():
        scorer = Scorer(str(folder))
        for control, blank in (("", False), (", blank", True)):
            scores[stage + control] = dict(scorer.score(texts(held, blank=blank), batch))
            print(f"scored {stage}{control}", file=sys.stderr)
    base = {"after DPO": "after SFT", "after DPO, blank": "after SFT, blank"}
    pairs = [
        ("before", "after SFT"),
        ("after SFT", "after DPO"),
        ("before", "after DPO"),
        ("after DPO, blank", "after DPO"),
    ]
    return {
        "held_out": {"rows": len(held.about), "countries": sorted({row["country"] for row in held.about})},
        "figures": {
            name: jsonable(figures(held.about, of, scores.get(base.get(name, "")))) for name, of in scores.items()
        },
        "differences": {f"{a} → {b}": jsonable(differences(held.about, scores[a], scores[b])) for a, b in pairs},
    }


def text_part(args: argparse.Namespace) -> dict[str, Any]:
    """Two classifiers of text, trained on the training rows: does a held-out row's chosen answer score higher."""
    from cross_safety.eval.estimate import Cell, clusters_of, estimate
    from cross_safety.store.opened import open_dataset
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    dataset = open_dataset(str(args.data / "safety-dpo"))
    columns = ["id", "prompt_id", "norm_id", "image_sha256", "country", "negative_type", "chosen", "rejected"]
    train = list(dataset.rows("exclusive", "train", columns, batch=512))
    test = [row for split in ("train", "validation") for row in dataset.rows("overlapped", split, columns, batch=512)]
    clusters = clusters_of([row | {"pair_id": row["prompt_id"]} for row in test])
    lengths = FunctionTransformer(lambda texts: [[len(text), len(text.split())] for text in texts])
    made = {
        "length alone": make_pipeline(lengths, StandardScaler(), LogisticRegression()),
        "bag of words": make_pipeline(CountVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=3000)),
    }
    answers = [row[field][0]["content"] for row in train for field in ("chosen", "rejected")]
    found: dict[str, Any] = {}
    for name, model in made.items():
        model.fit(answers, [1, 0] * len(train))
        chosen, rejected = (
            model.decision_function([row[field][0]["content"] for row in test]) for field in ("chosen", "rejected")
        )
        labels = [0.5 if a == b else float(a > b) for a, b in zip(chosen, rejected, strict=True)]
        cells = [
            (row["negative_type"], Cell(row["id"], row["prompt_id"], 0, label, clusters[row["id"]]))
            for row, label in zip(test, labels, strict=True)
        ]
        kinds = ["all", *sorted({kind for kind, _ in cells})]
        found[name] = {k: estimate(c for kind, c in cells if k in {"all", kind}).as_json() for k in kinds}
    return {"rows": {"train": len(train), "held out": len(test)}, "figures": found}


def throughput_part(args: argparse.Namespace) -> dict[str, Any]:
    """Our command and a bare script in turn, until `--repeats` are done or `--minutes` have passed."""
    parameters = make_model(args)
    flags = [*common(args, 8), "--learning_rate", "1e-5", "--max_steps", str(SPEED_STEPS[args.size])]
    ends = time.monotonic() + 60 * args.minutes
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {}
    slowest = 0.0
    for repeat in range(args.repeats):
        for method in ("sft", "dpo"):
            if time.monotonic() + slowest > ends:
                break
            begun = time.monotonic()
            # Who goes first changes each time, so that a machine that warms up favours neither.
            sides = [("ours", ours), ("bare", bare)]
            for side, run in sides if repeat % 2 == 0 else reversed(sides):
                runs.setdefault(method, {}).setdefault(side, []).append(run(args, method, flags))
            slowest = max(slowest, time.monotonic() - begun)
    summary = {m: {s: summarised(each) for s, each in sides.items()} for m, sides in runs.items()}
    return {"machine": machine(), "size": args.size, "parameters": parameters, "flags": flags, "runs": runs,
            "summary": summary}  # fmt: skip


def ours(args: argparse.Namespace, method: str, flags: list[str]) -> dict[str, Any]:
    """One run of `cross-safety train`, `train check` included in the wall time."""
    out = args.out / f"speed-{method}"
    data = args.data / f"safety-{method}"
    wall = command("train", method, "--data", data, "--config", "exclusive", "--model", args.out / "before",
                   "--out", out, "--replace", *flags)  # fmt: skip
    found = read_metrics(out) | {"wall": wall}
    shutil.rmtree(out)
    return found


def bare(args: argparse.Namespace, method: str, flags: list[str]) -> dict[str, Any]:
    """One run of the script without us."""
    out = args.out / f"bare-{method}"
    script = ROOT / "benchmarks" / "bare_trl.py"
    data = args.data / f"safety-{method}"
    wall = timed([sys.executable, str(script), method, str(data), str(args.out / "before"), str(out), *flags])
    found: dict[str, Any] = json.loads(Path(f"{out}.json").read_text()) | {"wall": wall}
    shutil.rmtree(out)
    return found


def summarised(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians with lowest and highest."""
    measures: dict[str, Callable[[dict[str, Any]], float]] = {
        "tokens_per_s": lambda run: run["num_tokens"] / run["train_runtime"],
        "samples_per_s": lambda run: run["train_samples_per_second"],
        "wall_s": lambda run: run["wall"],
        "peak_gpu_gib": lambda run: (run.get("peak_gpu_bytes") or 0) / 2**30,
        "train_loss": lambda run: run["train_loss"],
    }
    values = {name: [measure(run) for run in runs] for name, measure in measures.items()}
    return {"n": len(runs)} | {
        name: {"median": statistics.median(of), "low": min(of), "high": max(of)} for name, of in values.items()
    }


def percent(found: dict[str, Any]) -> str:
    """`61.8 [57.2, 66.0]`."""
    if found["value"] is None:
        return "—"
    value = f"{100 * found['value']:.1f}"
    return value if found["low"] is None else f"{value} [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


def accuracy_table(accuracy: dict[str, Any], text: dict[str, Any] | None) -> str:
    """Rows by negative type; a column for each stage, the control and each classifier."""
    figures = accuracy["figures"]
    columns = {name: figures[name]["normalised"] for name in ("before", "after SFT", "after DPO", "after DPO, blank")}
    columns["reward, DPO on SFT"] = figures["after DPO"]["reward"]
    columns["reward, blank"] = figures["after DPO, blank"]["reward"]
    columns |= text["figures"] if text else {}
    rows = [[kind, *(percent(of[kind]) for of in columns.values())] for kind in columns["before"]]
    changed = [
        [pair, percent(of["all"]["difference"]).replace("—", "none"), f"{of['all']['p']:.4f}"]
        for pair, of in accuracy["differences"].items()
    ]
    about = f"{accuracy['parameters'] / 1e6:.0f} M parameters, {accuracy['machine']}"
    about += f", {accuracy['held_out']['rows']} held-out rows"
    return f"{about}; {CHANCE}\n\n{markdown(['negative type', *columns], rows)}\n\n" + markdown(
        ["all types, per token", "points", "p (sign flip)"], changed
    )


def throughput_table(found: dict[str, Any]) -> str:
    """Our command beside the bare script."""
    rows = []
    for method, sides in found["summary"].items():
        for side, of in sides.items():
            cells = [f"{of[k]['median']:.4g} ({of[k]['low']:.4g}–{of[k]['high']:.4g})" for k in list(of)[1:]]
            rows.append([method, side, str(of["n"]), *cells])
        ratio = sides["ours"]["tokens_per_s"]["median"] / sides["bare"]["tokens_per_s"]["median"] - 1
        rows.append([method, "ours against bare", "", f"{100 * ratio:+.2f} %", "", "", "", ""])
    header = ["method", "what", "runs", "tokens/s", "samples/s", "wall s", "peak GiB", "train loss"]
    return f"{found['parameters'] / 1e6:.0f} M parameters, {found['machine']}; medians (lowest–highest)\n\n" + markdown(
        header, rows
    )


def show(out: Path) -> None:
    """Everything that lies in OUT, as Markdown."""
    read = {path.stem: json.loads(path.read_text()) for path in out.glob("*.json")}
    if "accuracy" in read:
        print(accuracy_table(read["accuracy"], read.get("text")))
    elif "text" in read:
        kinds = list(read["text"]["figures"]["bag of words"])
        print(markdown(["classifier", *kinds], [
            [name, *(percent(of[kind]) for kind in kinds)] for name, of in read["text"]["figures"].items()
        ]))  # fmt: skip
    if "throughput" in read:
        print("\n" + throughput_table(read["throughput"]))


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", choices=["tiny", "100m"], default="tiny")
    parser.add_argument("--part", choices=["accuracy", "throughput", "text", "table"], default="accuracy")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=8.0)
    args = parser.parse_args()
    args.data, args.out = args.data.resolve(), args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    find_package()
    parts = {"accuracy": accuracy_part, "throughput": throughput_part, "text": text_part}
    if args.part in parts:
        found = parts[args.part](args)
        (args.out / f"{args.part}.json").write_text(json.dumps(found, indent=1))
    show(args.out)


if __name__ == "__main__":
    main()
