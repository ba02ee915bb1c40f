"""``cross-safety``: the command group. Each room's ``commands.py`` is loaded when one of its commands is called."""

import builtins
import importlib
import sys
import traceback
from typing import Any

import click

from . import __version__
from .console.errors import describe

COMMANDS = {
    "build": ("cross_safety.builder.build_command", "Make the datasets from the bundled corpus or other sources."),
    "diff": ("cross_safety.builder.commands", "Tell what changed between two versions of a dataset."),
    "export": ("cross_safety.builder.release.export_command", "Write rows in the fine-tuning formats of other tools."),
    "publish": ("cross_safety.builder.publish_command", "Put a version on the hub, loaded back before it is served."),
    "versions": ("cross_safety.builder.publish_command", "List the versions of a dataset on the hub."),
    "check": ("cross_safety.builder.commands", "Tell everything that is wrong with a dataset folder."),
    "eval": ("cross_safety.eval.commands", "Ask a model the questions of cross and judge its answers."),
    "train": ("cross_safety.train.commands", "Train a model on safety-sft or safety-dpo with TRL."),
    "report": ("cross_safety.eval.commands", "Tables for runs side by side, with intervals."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and lists all without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), _attribute(cmd_name))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands for ``--help``."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


def _attribute(name: str) -> str:
    """What a command is called in Python: ``eval`` is a built-in's name there."""
    return f"{name}_" if name in dir(builtins) else name


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="cross-safety")
def cli() -> None:
    """Tell whether a vision-language model is culturally safe, and make it safer.

    Start with `cross-safety build`: it makes the folders cross/, safety-sft/ and safety-dpo/ here, which
    `datasets.load_dataset("cross")` then loads. No network, no key.

    Exit codes: 0 done, 1 failed or invalid, 2 wrong usage, 3 done but something was left out or differs.
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; no traceback without ``--debug``."""
    words = sys.argv[1:] if args is None else args
    sys.exit(_run(words))


def _run(words: list[str]) -> int:
    try:
        done: Any = cli.main(words, prog_name="cross-safety", standalone_mode=False)
        return int(done or 0)
    except click.exceptions.Abort:
        return _tell(KeyboardInterrupt(), words)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the boundary: every error becomes words here
        return _tell(error, words)


def _tell(error: BaseException, words: list[str]) -> int:
    if "--debug" in words:
        traceback.print_exception(error)
    message, next_command, code = describe(error)
    click.echo(f"error: {message}", err=True)
    if next_command:
        click.echo(f"next: {next_command}", err=True)
    return int(code)
