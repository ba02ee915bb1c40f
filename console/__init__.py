"""One output object (human, json, quiet), progress, and the error table."""

from .errors import UserError
from .output import Output

__all__ = ["Output", "UserError"]
