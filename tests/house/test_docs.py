"""Every example in README.md and docs/ runs, and every link leads somewhere; CONTRIBUTING.md says how to write one."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rockbottom.figures import folded

REPO = Path(__file__).resolve().parents[2]
DOCUMENTS = [REPO / "README.md", REPO / "CONTRIBUTING.md", *sorted((REPO / "docs").rglob("*.md"))]
_TIMEOUT_S = 120

_COMMENT = re.compile(r"<!-- (no-run|exit|file): (.+?) -->\s*$")
_FENCE = re.compile(r"^```(\w*)\s*$")


@dataclass
class Block:
    """One fenced block: where it starts, its language, its lines, and what the comments above it say."""

    line: int
    language: str
    lines: list[str] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


@dataclass
class Step:
    """One command of a console block and the lines that it should print; None: not shown, so not compared."""

    command: str
    expected: list[str] = field(default_factory=list)


def blocks(markdown: str) -> Iterator[Block]:
    """The fenced blocks of a document with the comments that stand directly above them."""
    current: Block | None = None
    marks: dict[str, str] = {}
    for number, line in enumerate(markdown.splitlines(), 1):
        if current is not None:
            if line.rstrip() == "```":
                yield current
                current, marks = None, {}
            else:
                current.lines.append(line)
        elif comment := _COMMENT.match(line):
            marks[comment[1]] = comment[2]
        elif fence := _FENCE.match(line):
            current = Block(number, fence[1], marks=marks)
        elif line.strip():
            marks = {}


def steps(block: Block) -> list[Step]:
    """The commands of a console block; a line that starts with ``> `` continues the command above it."""
    found: list[Step] = []
    for line in block.lines:
        if line.startswith("$ "):
            found.append(Step(line[2:]))
        elif not found:
            raise ValueError(f"line {block.line}: a console block starts with a command ($ ...)")
        elif line.startswith("> ") and not found[-1].expected:
            found[-1].command += "\n" + line[2:]
        else:
            found[-1].expected.append(line)
    return found


def matches(expected: list[str], actual: str) -> bool:
    """Whether ``actual`` is what is expected; ``...`` stands for anything, a line of its own for any lines."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n"
    lines = "".join(f"{line.rstrip()}\n" for line in actual.splitlines())
    return re.fullmatch(pattern + r"\n*", lines) is not None


def on_a_terminal(text: str) -> str:
    """What was printed into a pipe, as a terminal of 80 columns shows it: documents show long messages so."""
    return "".join(f"{part}\n" for line in text.splitlines() for part in folded(line, 80))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A shell in which `rockbottom` is this source tree, 80 columns wide, without colour, cut off from AWS.

    ROCKBOTTOM_PYTHON names the Python of another environment, where it is installed from a wheel.
    """
    python = os.environ.get("ROCKBOTTOM_PYTHON")
    programs = tmp_path / "bin"
    programs.mkdir()
    shim = programs / "rockbottom"
    shim.write_text(f'#!/bin/sh\nexec "{python or sys.executable}" -m rockbottom "$@"\n')
    shim.chmod(0o755)
    (programs / "python").write_text(f'#!/bin/sh\nexec "{python or sys.executable}" "$@"\n')
    (programs / "python").chmod(0o755)
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | nowhere | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        **({} if python else {"PYTHONPATH": str(REPO / "src")}),
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of one document, empty."""
    place = tmp_path / "work"
    place.mkdir()
    return place


def _has_examples(document: Path) -> bool:
    return any(_runs(block) or "file" in block.marks for block in blocks(document.read_text(encoding="utf-8")))


def _runs(block: Block) -> bool:
    return block.language in ("console", "python") and "no-run" not in block.marks


def _name(document: Path) -> str:
    return str(document.relative_to(REPO))


@pytest.mark.parametrize("document", list(filter(_has_examples, DOCUMENTS)), ids=_name)
def test_every_example_of_a_document_runs(document: Path, folder: Path, environment: dict[str, str]):
    """From top to bottom, in one folder, each command prints what the document says that it prints."""
    for block in blocks(document.read_text(encoding="utf-8")):
        where = f"{_name(document)}:{block.line}"
        if name := block.marks.get("file"):
            (folder / name).write_text(block.text, encoding="utf-8")
        elif _runs(block) and block.language == "python":
            _run(["python", "-c", block.text], folder, environment, where)
        elif _runs(block):
            _run_console(block, folder, environment, where)


def _run_console(block: Block, folder: Path, environment: dict[str, str], where: str) -> None:
    todo = steps(block)
    for step in todo:
        code = int(block.marks.get("exit", 0)) if step is todo[-1] else 0
        actual = _run(["bash", "-c", step.command], folder, environment, f"{where}: $ {step.command}", code)
        wanted = "\n".join(step.expected)
        if wanted.strip():
            shown = any(matches(step.expected, text) for text in (actual, on_a_terminal(actual)))
            assert shown, f"{where}: $ {step.command}\nexpected:\n{wanted}\nprinted:\n{actual}"


def _run(argv: list[str], folder: Path, environment: dict[str, str], where: str, code: int = 0) -> str:
    run = subprocess.run(
        argv, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, timeout=_TIMEOUT_S,
    )  # fmt: skip
    assert run.returncode == code, f"{where}: exit code {run.returncode}, expected {code}\n{run.stdout}"
    return run.stdout


@pytest.mark.parametrize("document", sorted((REPO / "docs" / "how-to").glob("*.md")), ids=_name)
def test_every_how_to_says_first_for_whom_it_is(document: Path):
    """In the line below its title."""
    if document.name != "README.md":
        assert document.read_text(encoding="utf-8").split("\n\n")[1].startswith("For who")


_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", [*DOCUMENTS, REPO / "CHANGELOG.md"], ids=_name)
def test_every_link_leads_to_a_file(document: Path):
    """Relative links and pictures exist."""
    prose = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = [target for target in _LINK.findall(prose) if "://" not in target and not target.startswith("mailto:")]
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        (["a", "b"], "a\nb\n", True),
        (["a", "b"], "a\nb\nc\n", False),
        (["a", "...", "d"], "a\nb\nc\nd\n", True),
        (["a", "...", "d"], "a\nd\n", True),
        (["cost ... USD"], "cost 0.0128 USD\n", True),
        (["cost ... USD"], "cost 0.0128\nUSD\n", False),
        (["a.c"], "abc\n", False),
        (["a  "], "a\n", True),
    ],
)
def test_the_dots_stand_for_anything_and_nothing_else_does(expected, actual, same):
    """The comparison used above is exact but for `...` and spaces at the end of a line."""
    assert matches(expected, actual) is same


def test_comments_apply_to_the_block_below_them_only():
    """A mark is forgotten after its block, and text between a comment and a block cuts it off."""
    text = "<!-- no-run: needs AWS -->\n```console\n$ a\n```\n\n```console\n$ b\n> c\nout\n```\n"
    text += "<!-- exit: 2 -->\nprose\n```python\n```\n"
    first, second, third = blocks(text)
    assert first.marks == {"no-run": "needs AWS"}
    assert second.marks == third.marks == {}
    assert steps(second) == [Step("b\nc", ["out"])]
