"""A click group that imports a command only when that command is run."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.commands import ListedCommand, Task

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Listing(click.Group):
    """Lists its commands with the whole first sentence of each; click cuts them off."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, it.get_short_help_str(200)) for name, it in commands.items() if it is not None])


class LazyGroup(Listing):
    """Lists its commands from a table; imports the one that is asked for, with what rockbottom.toml sets for it.

    ``entries`` maps a command's name to its ``ListedCommand``; ``tasks`` are how the list shows them. ``path`` is its
    own name with those above it, empty for the first.
    """

    def __init__(
        self, *args: Any, entries: Mapping[str, ListedCommand], tasks: Sequence[Task] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.entries = entries
        self.tasks = tasks
        self.path = ""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when the table does not name it."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        from rockbottom.cli.examples import with_examples  # not for the list of commands

        module, _, attribute = entry.target.partition(":")
        command = with_examples(getattr(import_module(module), attribute), f"{self.path} {cmd_name}".strip())
        if isinstance(command, LazyGroup):
            command.path = f"{self.path} {cmd_name}".strip()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands by task, or all under one heading, importing nothing."""
        across = max((len(name) for name in self.entries), default=0)
        for heading, entries, example in self.tasks or (Task("Commands", dict(self.entries), ""),):
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(across), entry.help) for name, entry in entries.items()])
                if example:
                    formatter.write_text(f"$ {example}")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Commands of the table that begin so, each with its line of help, importing none of them."""
        from click.shell_completion import CompletionItem  # only when a shell asks

        names = [CompletionItem(name, help=e.help) for name, e in self.entries.items() if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; an unknown name gets the nearest known ones."""
        name = args[0]
        if name not in self.entries and not name.startswith("-"):
            raise click.UsageError(f"no command '{name}'; {self._what_would_work(name)}", ctx)
        resolved = super().resolve_command(ctx, args)
        if resolved[1] is not None and not set(args) & set(ctx.help_option_names):
            ctx.default_map = {name: _set_for(resolved[1], [name], args[1:])}
        return resolved

    def _what_would_work(self, name: str) -> str:
        from difflib import get_close_matches  # only needed once somebody mistyped

        near = get_close_matches(name, self.entries)
        return f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(self.entries)}"


def _set_for(command: click.Command, path: list[str], args: list[str]) -> dict[str, Any]:
    """What rockbottom.toml sets for a command; nothing is imported where there is none."""
    from rockbottom.cli.places import nearest_file

    if nearest_file() is None:
        return {}
    from rockbottom.cli.settings import defaults_of

    return defaults_of(command, path, args)
