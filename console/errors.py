"""Errors that are told to a user without a traceback: what, where, what is allowed, and the next command."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    INTERRUPTED = 130


class UserError(Exception):
    """Something that the user can mend; ``next_command`` is what to type."""

    def __init__(self, message: str, next_command: str | None = None, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.next_command = next_command
        self.code = code


def describe(error: BaseException) -> tuple[str, str | None, Exit]:
    """The message, the next command and the exit code for an error that reached the command line."""
    match error:
        case UserError():
            return str(error), error.next_command, error.code
        case KeyboardInterrupt():
            return "interrupted; what was complete before is unharmed", "the same command again", Exit.INTERRUPTED
        case FileNotFoundError() | PermissionError() | IsADirectoryError() | NotADirectoryError():
            return f"{error.filename}: {error.strerror}", None, Exit.FAILED
        case OSError():
            return f"{type(error).__name__}: {error.strerror or error}", None, Exit.FAILED
        case _:
            return f"{type(error).__name__}: {error}", "the same command with --debug", Exit.FAILED
