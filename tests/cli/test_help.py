"""What every command says of itself: by task, with an example that parses."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from rockbottom.cli import main, root
from rockbottom.cli.commands import COMMANDS, TASKS
from rockbottom.cli.examples import EXAMPLES


def _commands(group: click.Group = root, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def test_help_is_grouped_by_task_with_an_example_of_each(capsys):
    """Every command stands under one heading."""
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for task in TASKS:
        assert f"{task.heading}:" in text
        assert f"$ {task.example}" in text
    assert sum(len(task.commands) for task in TASKS) == len(COMMANDS)


def test_the_help_of_a_group_lists_all_of_its_commands():
    """``rockbottom ledger --help`` is where one reads that there is a summary."""
    for name, command in _commands():
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=name)
            listed = [
                line.split()[0]
                for line in command.get_help(context).splitlines()
                if line.startswith("  ") and line.split()
            ]
            assert [below for below in command.list_commands(context) if below not in listed] == [], name


def test_every_command_has_an_example_at_the_end_of_its_help():
    """Those below groups as well."""
    without = [
        name for name, command in _commands()
        if f"rockbottom {name}" not in (command.epilog or "") + (command.help or "")
    ]  # fmt: skip
    assert without == []


@pytest.mark.parametrize("line", [*(f"{name} {rest}" for name, rest in EXAMPLES.items()), *(t.example for t in TASKS)])
def test_an_example_is_a_command_line_that_parses(line):
    """Its options exist and take the values, and none that is required is left out; files need not exist."""
    words = shlex.split(line.removeprefix("rockbottom "))
    command: click.Command = root
    context = click.Context(root)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        below = command.get_command(context, words.pop(0))
        assert below is not None, line
        command, context = below, click.Context(below, parent=context)
    parsed, left, _ = command.make_parser(context).parse_args(list(words))
    required = [param.name for param in command.params if param.required]
    assert [name for name in required if parsed.get(name) in (None, ())] == []
    for param in command.params:
        if isinstance(param.type, click.Choice) and (value := parsed.get(param.name)):
            for each in [value] if isinstance(value, str) else value:
                param.type.convert(each, param, context)
    assert left == [] or (isinstance(command, click.Group) and not command.invoke_without_command)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["rockbottom", "pr"], ["profiles", "prices", "probe"]),
        (["rockbottom", "bench", "--end"], ["--endpoint", "--endpoint-url"]),
        (["rockbottom", "gateway", "key", "ro"], ["rotate"]),
    ],
)
def test_a_shell_completes_commands_and_options(words, completed, tmp_path):
    """As bash asks, through click's own protocol."""
    asked = {
        "_ROCKBOTTOM_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1),
    }  # fmt: skip
    argv = [sys.executable, "-m", "rockbottom"]
    run = subprocess.run(argv, env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert [line.partition(",")[2] for line in run.stdout.splitlines()] == completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell, capsys):
    """click's own, which asks rockbottom when a key is pressed; a bare zsh has no compdef until compinit ran."""
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_ROCKBOTTOM_COMPLETE={shell}_complete" in script
    assert script.startswith("(( $+functions[compdef] )) || { autoload -Uz compinit") == (shell == "zsh")
