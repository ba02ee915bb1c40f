"""People beside the judge: a sample of answers as forms for local experts, and what their labels say of it."""

from .make import Made, make
from .read import calibrations, read

__all__ = ["Made", "calibrations", "make", "read"]
