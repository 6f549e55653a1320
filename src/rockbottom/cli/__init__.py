"""The command line: arguments in, text or JSON out.

``main`` is the console script. Starting it imports click and nothing else; a command's module is
imported when that command runs. A command returns None, or calls ``ctx.exit(code)`` with a code of
``rockbottom.cli.exits.Exit``; errors are raised and turned into one message and a code here.
"""

import os
import sys
from collections.abc import Sequence

import click

from rockbottom import __version__
from rockbottom.cli.commands import COMMANDS
from rockbottom.cli.exits import Exit, exit_code_of
from rockbottom.cli.group import LazyGroup

__all__ = ["main", "root"]

_COMPLETE = "_ROCKBOTTOM_COMPLETE"  # the variable through which click's shell completion asks


@click.group(
    cls=LazyGroup, entries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="rockbottom", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def root(debug: bool) -> None:
    """The lowest honest bill for Amazon Bedrock."""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command line (``sys.argv`` by default) and return its exit code."""
    argv = list(sys.argv[1:] if args is None else args)
    try:
        code = _completion() if _COMPLETE in os.environ else _run(argv)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        if _wants_traceback(argv):
            raise
        return exit_code_of(error, next((word for word in argv if not word.startswith("-")), ""))
    return code


def _run(argv: list[str]) -> int:
    # Not root.main(): it answers a broken pipe with an exit code of its own before we see it.
    try:
        with root.make_context("rockbottom", argv.copy()) as context:
            root.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    return Exit.OK


def _completion() -> int:
    from click.shell_completion import shell_complete  # only when a shell asks

    return shell_complete(root, {}, "rockbottom", _COMPLETE, os.environ[_COMPLETE])


def _wants_traceback(argv: Sequence[str]) -> bool:
    # --debug belongs to the root: it counts only before the name of the command.
    for argument in argv:
        if not argument.startswith("-"):
            return False
        if argument == "--debug":
            return True
    return False
