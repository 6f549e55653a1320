"""``rockbottom init``: a starter workload, settings, and the examples of the how-tos, in the current folder."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from rockbottom.cli.console import show
from rockbottom.cli.places import FILE
from rockbottom.files import named, replacing

_EXAMPLES = "examples"


@click.command("init")
def command() -> None:
    """Write a starter workload, a rockbottom.toml and the examples of the how-tos into the current folder.

    Nothing that is there is overwritten: where a file of the same name says something else, nothing is written at all.
    """
    here = Path.cwd()
    texts = dict(_files())
    differing = [name for name, text in texts.items() if _differs(here / name, text)]
    if differing:
        raise click.UsageError(
            f"{', '.join(differing)}: exists already with other content, and is not overwritten; "
            "move it away, or run rockbottom init in another folder"
        )
    for name, text in texts.items():
        _write(here / name, text)
    show([f"written: workload.yaml, {FILE} and {_EXAMPLES}/ ({len(texts) - 2} files, for the how-tos)", ""])
    show(_next_steps())


def _files() -> Iterator[tuple[str, bytes]]:
    """Everything that is written, by its path below the current folder."""
    package = files("rockbottom")
    yield from _below(package / "cli" / "starter", "")
    examples = package / _EXAMPLES
    if not examples.is_dir():  # a checkout, where they lie beside src
        examples = Path(str(package)).parents[1] / _EXAMPLES
    yield from _below(examples, f"{_EXAMPLES}/")


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _differs(path: Path, text: bytes) -> bool:
    """Whether something is there that is not this text. Raises OSError where it cannot be read."""
    if not path.exists() and not path.is_symlink():
        return False
    return not path.is_file() or path.read_bytes() != text


def _write(path: Path, text: bytes) -> None:
    with named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, shared=True) as beside:
            beside.write_bytes(text)


def _next_steps() -> Iterator[str]:
    from importlib.util import find_spec

    if find_spec("yaml") is None or find_spec("uvicorn") is None:
        from rockbottom.extras import install_command

        yield "first, what bench needs:"
        yield f"  {install_command('bench')}"
    yield "next:"
    yield "  rockbottom bench workload.yaml             what it costs, every way; nothing is sent to AWS"
    yield "  edit workload.yaml                         your prompt, your documents, your traffic"
    yield "  python examples/teams/calls.py             many teams: tags, budgets, chargeback"
    yield "  rockbottom run --dry-run -- python app.py  what your own program would save; what it sends stays as it is"
