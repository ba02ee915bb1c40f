"""Where rows come from: each source yields typed items, pinned and unedited."""

from .items import CrossRow, Input, Picture, PictureError, Reject, SourceResult, TrainItem, read_picture

__all__ = [
    "CrossRow",
    "Input",
    "Picture",
    "PictureError",
    "Reject",
    "SourceResult",
    "TrainItem",
    "read_picture",
]
