"""How a dataset is named everywhere: ``NAME[@REV]``, a folder or ``OWNER/NAME@REV`` on the hub."""

import re
from dataclasses import dataclass
from pathlib import Path

_HUB = re.compile(r"^[\w.-]{1,96}/[\w.-]{1,96}$")


class BadReferenceError(ValueError):
    """A reference that names no dataset; the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A dataset's name: a local ``folder``, or ``repo`` and ``revision`` on the hub."""

    folder: Path | None
    repo: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        """The name as a user would type it."""
        if self.folder is not None:
            return str(self.folder)
        return f"{self.repo}@{self.revision}" if self.revision else str(self.repo)


def parse_reference(text: str) -> Reference:
    """Read ``NAME[@REV]``.

    Raises:
        BadReferenceError: a revision on a folder (datasets ignores it silently), or neither a folder nor a hub name.
    """
    if text and Path(text).is_dir():
        return Reference(Path(text))
    name, _, revision = text.partition("@")
    if name and revision and Path(name).is_dir():
        raise BadReferenceError(f"{text}: {name} is a folder, and a folder has no revisions; leave out @{revision}")
    if _HUB.match(name):
        return Reference(None, name, revision or None)
    raise BadReferenceError(f"{text}: no such folder, and not a hub name of the form OWNER/NAME[@REV]")
