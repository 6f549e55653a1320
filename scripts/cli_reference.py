"""Write docs/reference/cli.md from the commands themselves; with ``--check``, fail if it is out of date."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from generated import written_or_checked
from rockbottom.cli import root

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"
_WIDTH = 80
_INTRO = """\
# Commands

Generated from the program by `make docs`; `make check` fails when this page is out of date.
Exit codes are in [exit-codes.md](exit-codes.md).
"""


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Every command below and including ``command``: its full name and its help."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from commands(child, _context(child, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    width = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    return click.Context(command, info_name=name, parent=parent, **{**command.context_settings, **width})


def page() -> str:
    """The whole page as Markdown."""
    sections = [f"## {name}\n\n```text\n{text}\n```\n" for name, text in commands(root, _context(root, "rockbottom"))]
    return "\n".join([_INTRO, *sections])


if __name__ == "__main__":
    sys.exit(written_or_checked(PAGE, page()))
