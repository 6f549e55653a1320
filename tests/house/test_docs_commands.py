"""Every command that a document names is one, with the options and arguments that stand there, run or not."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rockbottom.cli import root

REPO = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(REPO / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "deploy/README.md")),
    *sorted(path for path in (REPO / "docs").rglob("*.md") if path.name != "cli.md"),
]
_SPAN = re.compile(r"`(rockbottom [^`]+)`")
_LINE = re.compile(r"^(?:\$ )?(rockbottom [a-z][^·]*)$")
_FENCE = re.compile(r"^```(\w*)$")
_MEANT = {"--nonsense", "attached"}
"""The example of what is refused; a lever that advise calls `rockbottom attached`."""

_COMMANDS = ("console", "sh", "text")


def named(text: str) -> Iterator[str]:
    """The commands of a document: in spans, and at the start of lines of blocks."""
    language: str | None = None
    for line in text.splitlines():
        if fence := _FENCE.match(line):
            language = None if language is not None else fence[1]
        elif language is None:
            yield from _SPAN.findall(line)
        elif language in _COMMANDS and (found := _LINE.match(line)):
            yield re.split(r"  | [|&>]|\\$", found[1])[0]


def wrong(command: str) -> str | None:
    """What is no command, option or argument in a line; None: nothing. Words in capitals stand for what a user has."""
    command = command.split(" -- ")[0]
    if command.count('"') % 2 or command.count("'") % 2:  # it goes on in the next line
        command = re.split("[\"']", command)[0]
    words = shlex.split(command)[1:]
    at: click.Command = root
    while words and isinstance(at, click.Group) and not words[0].startswith("-"):
        found = [at.get_command(click.Context(at), name) for name in words[0].split("/")]  # plan/apply/destroy
        if None in found:
            return words[0]
        at, words = found[0], words[1:]
        if isinstance(at, click.Group):
            words = _without_options(at, words)
            if isinstance(words, str):
                return words
    left = _without_options(at, words)
    takes = isinstance(at, click.Group) or any(isinstance(param, click.Argument) for param in at.params)
    return left if isinstance(left, str) else None if takes or not left or left == ["..."] else left[0]


def _without_options(command: click.Command, words: list[str]) -> list[str] | str:
    """The words that are left, up to a command of the group; or an option that is none."""
    options = {name: param for param in command.params for name in (*param.opts, *param.secondary_opts)}
    rest: list[str] = []
    words = list(words)
    while words:
        word = words.pop(0)
        name, equals, _ = word.partition("=")
        if not word.startswith("-") or word == "-":
            if isinstance(command, click.Group):
                return [word, *words]
            rest.append(word)
        elif name not in ("--help", "--debug", "--version") and name not in options:
            return word
        elif not equals and name in options and not getattr(options[name], "is_flag", False) and words:
            words.pop(0)
    return rest


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPO)))
def test_every_command_of_a_document_is_one(document):
    """Those too that no test can run: they need an account, or serve until they are stopped."""
    found = {command: wrong(command) for command in named(document.read_text(encoding="utf-8"))}
    assert {command: word for command, word in found.items() if word and word not in _MEANT} == {}


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("rockbottom watch ledger", "ledger"),
        ("rockbottom wacth", "wacth"),
        ("rockbottom replay LOGS --folow", "--folow"),
        ("rockbottom ledger sumary", "sumary"),
        ("rockbottom gateway --config gateway.yaml key add search --tag team=search", None),
        ("rockbottom run --dry-run -- python app.py --loud", None),
    ],
)
def test_what_is_no_command_is_found(command, word):
    """A wrong argument, command or option."""
    assert wrong(command) == word
