"""``cross-safety eval review …``, and opening the dataset that an evaluation command is given."""

from pathlib import Path
from typing import Any

import click

from ..console import Output, UserError
from ..console.errors import Exit
from ..console.options import common_options

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def opened(data: str, name: str, output: Output) -> Any:
    """The dataset that ``data`` names, which has to be the one called ``name``.

    Raises:
        UserError: no such dataset, one that is not what its manifest says, or another.
    """
    from ..store.dataset import NoDatasetError
    from ..store.opened import open_dataset
    from ..store.reference import BadReferenceError

    try:
        dataset = open_dataset(data)
    except (NoDatasetError, BadReferenceError) as error:
        raise UserError(
            str(error), "cross-safety build makes one; cross-safety check DATA says what is wrong"
        ) from None
    if dataset.name != name:
        raise UserError(f"{data}: this is {dataset.name}, and this command asks about {name}", code=Exit.USAGE)
    output.say(f"{dataset.reference}: {dataset.name} {dataset.version}")
    return dataset


@click.group("review")
def review() -> None:
    """Let local experts label a sample of answers, and learn how far the judge agrees with them."""


@review.command("make")
@click.argument("run_folder", metavar="RUN", type=FOLDER)
@click.option("--data", help="The dataset, where it is no longer where the run found it.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=0.10, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", type=FOLDER, help="[default: RUN/review]")
@common_options
def review_make(output: Output, run_folder: Path, data: str | None, share: float, seed: int, out: Path | None) -> int:
    """Draw a sample of RUN's answers and write form.html (pictures inside) and one CSV a country.

    The sample is drawn within each country and split; the forms don't show what the judge said. Send the form or the
    CSV of their country to people who know it, and give what comes back to `eval review read`.

    \b
    Example:
      cross-safety eval review make runs/mine --share 0.10
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from .record import read_record
    from .review import make

    record = read_record(run_folder)
    dataset = opened(data or record.info["dataset_reference"], "cross", output)
    made = make(record, dataset, share, seed, out or run_folder / "review")
    listed = "\n".join(f"  {path}" for path in made.files)
    output.result(
        {"folder": str(made.folder), "items": made.items, "files": [str(path) for path in made.files]},
        f"{made.items} answers to review (pictures are in form.html):\n{listed}\n"
        f"then: cross-safety eval review read {run_folder} FILE.csv …",
        str(made.folder),
    )
    return Exit.DONE


@review.command("read")
@click.argument("run_folder", metavar="RUN", type=FOLDER)
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--sample", type=FILE, help="[default: RUN/review/sample.json]")
@common_options
def review_read(output: Output, run_folder: Path, files: tuple[Path, ...], sample: Path | None) -> int:
    """Read the CSV files that people filled in: how far they agree with RUN's judge, and with each other.

    The result is kept as the judge's calibration in RUN; reports on runs of the same judge beside it cite it.

    \b
    Example:
      cross-safety eval review read runs/mine review-aiko.csv review-ken.csv
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from .record import read_record
    from .review import read
    from .summary import jsonable
    from .tables import calibration_text

    found = read(read_record(run_folder), sample or run_folder / "review" / "sample.json", files)
    output.result(jsonable(found), calibration_text(found))
    return Exit.DONE
