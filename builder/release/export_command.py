"""``export`` on the command line."""

from dataclasses import asdict
from pathlib import Path

import click

from ...console.errors import Exit, UserError
from ...console.options import common_options
from ...console.output import Output, table
from ...store.dataset import NoDatasetError
from ...store.opened import open_dataset
from ...store.reference import BadReferenceError
from .export import FORMATS, Exported
from .export import export as write

_NEXT = {
    "openai": "upload {out}/{file} with the purpose fine-tune (client.files.create)",
    "llama-factory": "llamafactory-cli train … --dataset_dir {out} --dataset {name}",
    "ms-swift": "cd {out} && swift {kind} … --dataset {file}",
    "jsonl": "one JSON object a line in {out}/{file}, pictures in {out}/images",
}


@click.command(short_help="Write rows in the fine-tuning formats of other tools.")
@click.argument("ref")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    required=True,
    help="openai: fine-tuning JSON lines, pictures inside; llama-factory and ms-swift: JSON lines with a folder of "
    "pictures; jsonl: every column, with a folder of pictures.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to make.",
)
@click.option("--config", help="Config to export.  [default: the dataset's default]")
@click.option("--split", help="Split to export.  [default: all, a file each]")
@click.option("--replace", is_flag=True, help="Replace an earlier export in --out.")
@common_options
def export(ref: str, form: str, out: Path, config: str | None, split: str | None, replace: bool, output: Output) -> int:
    """Write the rows of REF (a folder, or OWNER/NAME[@REV] on the hub) for another trainer.

    \b
    cross-safety export safety-sft --format openai --split train --out sft-openai
    cross-safety export safety-dpo --format llama-factory --config overlapped --out dpo-lf
    cross-safety export someone/safety-dpo@1.0.0 --format ms-swift --out dpo-swift

    Rows that the target can't hold are left out, counted, and listed in left_out.jsonl with the reason (exit code 3).
    export.json says which version was exported; credits.jsonl gives each line its row id, licences and attribution.
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    try:
        opened = open_dataset(ref)
    except (BadReferenceError, NoDatasetError) as error:
        raise UserError(str(error), "cross-safety build") from None
    found = write(opened, form, out, config=config, split=split, replace=replace, progress=output.progress)
    data = {"out": str(out), "dataset": opened.name, "version": opened.version, "format": form} | asdict(found)
    output.result(data, _text(found, form, out, opened.name), "\n".join(str(out / name) for name in found.files))
    for line in found.warnings:
        output.warn(line)
    if found.left_out:
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(found.left_out.items()))
        output.warn(f"rows were left out ({told}); left_out.jsonl has each with its reason")
    return Exit.INCOMPLETE if found.left_out else Exit.DONE


def _text(found: Exported, form: str, out: Path, dataset: str) -> str:
    rows = [[name, f"{file['rows']:,}", f"{file['bytes']:,}"] for name, file in found.files.items()]
    first = next(iter(found.files))
    name = f"{dataset}-{first.removesuffix('.jsonl')}".replace("-", "_")
    kind = "rlhf --rlhf_type dpo" if dataset == "safety-dpo" else "sft"
    following = _NEXT[form].format(out=out, file=first, name=name, kind=kind)
    pictures = "pictures inside the lines" if form == "openai" else f"{found.pictures} pictures in images/"
    return f"{table(['file', 'rows', 'bytes'], rows)}\n{pictures}\nnext: {following}"
