"""Pictures of the authors' rows: from the folder, or by https into a cache; bounded and checked either way."""

import os
import re
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ....store.atomic import write_bytes
from ....store.hashes import sha256_bytes
from ..pictures import Picture, PictureError, examine, read_picture

HOSTS = frozenset({"raw.githubusercontent.com"})
MAX_FETCH = 20 * 1024 * 1024
ATTEMPTS = 3
_NAME = re.compile(r"^[\w.,()+@ -]{1,200}$")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead off the allowed hosts, so none is followed."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def cache_folder() -> Path:
    """Where fetched pictures are kept: ``$XDG_CACHE_HOME/cross-safety/pictures``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cross-safety" / "pictures"


def find_picture(root: Path, subset: str, address: str, *, fetch: bool, hosts: frozenset[str] = HOSTS) -> Picture:
    """The picture that a row names.

    Args:
        root: the folder that holds ``images/<subset>/``.
        subset: ``casa`` or ``safeworld``.
        address: the row's ``file_name``, an https address or a plain file name.
        fetch: ask the address where the folder lacks the file.
        hosts: hosts that may be asked.

    Raises:
        PictureError: not to be had, or no usable picture; the text says which.
    """
    name = PurePosixPath(unquote(urlsplit(address).path)).name
    if not _NAME.match(name) or name.startswith("."):
        raise PictureError("the file name is not a plain one")
    local = root / "images" / subset / name
    if local.is_file() and local.resolve().is_relative_to(root.resolve()):
        return read_picture(local)
    if not fetch:
        raise PictureError(f"images/{subset}/{name} is not in the folder, and --fetch was not given")
    return read_picture(_fetched(address, hosts))


def _fetched(address: str, hosts: frozenset[str]) -> Path:
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.hostname not in hosts:
        raise PictureError(f"not an https address of {', '.join(sorted(hosts))}")
    place = cache_folder() / sha256_bytes(address.encode())
    if not place.is_file():
        data = _download(address)
        examine(data, photograph=False)
        write_bytes(place, data)
    return place


def _download(address: str) -> bytes:
    """The bytes at an address, in at most three attempts; only faults that may pass are tried again."""
    opener = urllib.request.build_opener(_NoRedirect)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with opener.open(address, timeout=30) as answer:
                data: bytes = answer.read(MAX_FETCH + 1)
            break
        except urllib.error.HTTPError as error:
            if error.code not in (429, 500, 502, 503, 504) or attempt == ATTEMPTS:
                raise PictureError(f"the server answered {error.code}") from None
        except (OSError, HTTPException) as error:
            if attempt == ATTEMPTS:
                raise PictureError(f"could not be fetched ({type(error).__name__})") from None
        time.sleep(attempt)
    if len(data) > MAX_FETCH:
        raise PictureError(f"larger than {MAX_FETCH >> 20} MiB")
    return data
