"""A click group that imports a command only when that command is run."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from rockbottom.cli.commands import Entry


class LazyGroup(click.Group):
    """Lists its commands from a table; imports the one that is asked for.

    ``entries`` maps a command's name to its ``Entry``; the order of the table is the order of the list.
    """

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when the table does not name it."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        return getattr(import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing nothing."""
        if self.entries:
            with formatter.section("Commands"):
                formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; an unknown name gets the nearest known ones."""
        name = args[0]
        if name not in self.entries and not name.startswith("-"):
            raise click.UsageError(f"no command '{name}'; {self._what_would_work(name)}", ctx)
        return super().resolve_command(ctx, args)

    def _what_would_work(self, name: str) -> str:
        from difflib import get_close_matches  # only needed once somebody mistyped

        near = get_close_matches(name, self.entries)
        return f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(self.entries)}"
