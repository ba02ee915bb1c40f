"""The example of the README: two scripted models, judged by a scripted judge, over the bundled corpus.

Run: python benchmarks/eval_example.py [FOLDER]     builds `cross` there (a fresh folder if left out), asks and reports
Nothing here is a finding: the answers are drawn from a table of shares in tests/loopback/scripted.py.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from loopback.scripted import varied
from loopback.server import Loopback

MODELS = ("careless-2026-01-15", "careful-2026-01-15")
CODE = "from cross_safety.cli import main; main()"


def command(*words: str, folder: Path, quiet: bool = False) -> None:
    """One command line, in the folder."""
    output = ["--output", "quiet"] if quiet else []
    subprocess.run([sys.executable, "-c", CODE, *words, *output], cwd=folder, check=True)


def main(folder: Path) -> None:
    """Build, ask, report."""
    command("build", "--only", "cross", folder=folder, quiet=True)
    with Loopback(varied, models=(*MODELS, "steady-2026-02-01")) as server:
        for model in MODELS:
            judged = ["--judge", "steady-2026-02-01", "--base-url", server.url]
            name = model.partition("-")[0]
            command(
                "eval", "run", "cross", "--model", model, *judged, "--out", f"runs/{name}", folder=folder, quiet=True
            )
    command("report", "runs/careless", "runs/careful", "--by", "domain", folder=folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as fresh:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(fresh))
