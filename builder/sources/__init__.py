"""Where rows come from: each source yields typed items, pinned and unedited."""

from .items import CrossRow, Input, Reject, SourceResult, TrainItem
from .pictures import Picture, PictureError, Spool, read_picture

__all__ = [
    "CrossRow",
    "Input",
    "Picture",
    "PictureError",
    "Reject",
    "SourceResult",
    "Spool",
    "TrainItem",
    "read_picture",
]
