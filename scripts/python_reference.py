"""Write docs/reference/python.md from the docstrings of the public names; ``--check`` fails if it is out of date."""

import inspect
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import rockbottom
from generated import written_or_checked

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "python.md"
_WIDTH = 88
_INTRO = """\
# Python

The names below are what a program needs: `import rockbottom`, then `rockbottom.attach`, `rockbottom.Budget`. Importing
rockbottom imports nothing else; a name brings in its part when it is first used. All of it is typed (`py.typed`).

Generated from the docstrings by `make docs`; `make check` fails when this page is out of date. Every example runs.
"""
_PARTS = {
    "Attach and report": ("attach", "detach", "report", "tagged", "Recording", "Report", "Line"),
    "The planner": ("Planner", "CachePlan"),
    "Budgets": ("Budget", "Budgets"),
    "Sinks": ("CloudWatch", "EmbeddedMetrics", "OpenTelemetry", "Prometheus", "Sink", "CallRecord"),
}
_OF_THE_HOUSE = {"adopt", "after_fork_in_child", "plan_prompt"}  # called by rockbottom itself
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_QUALIFIED = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")
_TYPE_VARIABLE = re.compile(r"~(\w+)")
_BOUNDED = re.compile(r"Annotated\[(\w+), Meta\([^()]*\)\]")  # of counts, what a damaged line is told by
_OPTIONAL = re.compile(r"Optional\[([\w.]+)\]")


def page() -> str:
    """The whole page as Markdown."""
    parts = [line for title, names in _PARTS.items() for line in (f"## {title}\n", *map(_entry, names))]
    return "\n".join([_INTRO, *parts, "## Errors\n", *_errors()])


def _entry(name: str) -> str:
    thing = getattr(rockbottom, name)
    lines = [f"### {name}\n", _fenced(_signature(name, thing)), _prose(thing)]
    if inspect.isclass(thing):
        lines += [_member(name, key, member) for key, member in _members(thing)]
    return "\n".join(lines)


def _members(thing: type) -> Iterator[tuple[str, Any]]:
    """The documented public methods and properties of a class and of what it is made of."""
    seen: set[str] = set()
    for base in thing.__mro__:
        if not base.__module__.startswith("rockbottom."):
            continue
        for key, member in vars(base).items():
            documented = inspect.isfunction(member) or isinstance(member, (classmethod, property))
            if documented and not key.startswith("_") and key not in seen | _OF_THE_HOUSE:
                seen.add(key)
                yield key, member


def _member(owner: str, key: str, member: Any) -> str:
    if isinstance(member, property):
        return f"`{owner}.{key}`: {_prose(member)}"
    function = member.__func__ if isinstance(member, classmethod) else member
    return "\n".join([_fenced(_signature(f"{owner}.{key}", function, method=True)), _prose(function)])


def _signature(name: str, thing: Any, *, method: bool = False) -> str:
    """The call as it is written, a line for each argument where it is long."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return name
    parameters = [one for one in signature.parameters.values() if not one.name.startswith("_")][1 if method else 0 :]
    if getattr(thing, "_is_protocol", False):
        return f"class {name}(Protocol)"
    returns = "" if inspect.isclass(thing) or signature.return_annotation is inspect.Signature.empty else " -> "
    answer = returns and f"{returns}{_typed(signature.return_annotation)}"
    written = list(_written(parameters))
    line = f"{name}({', '.join(written)}){answer}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in written), f"){answer}"])


def _written(parameters: list[inspect.Parameter]) -> Iterator[str]:
    kinds = [one.kind for one in parameters]
    for place, one in enumerate(parameters):
        first_keyword = one.kind is one.KEYWORD_ONLY and one.KEYWORD_ONLY not in kinds[:place]
        if first_keyword and one.VAR_POSITIONAL not in kinds:
            yield "*"
        yield _parameter(one)
        if one.kind is one.POSITIONAL_ONLY and one.POSITIONAL_ONLY not in kinds[place + 1 :]:
            yield "/"


def _parameter(one: inspect.Parameter) -> str:
    stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
    text = f"{stars}{one.name}"
    if one.annotation is not inspect.Parameter.empty:
        text += f": {_typed(one.annotation)}"
    return text if one.default is inspect.Parameter.empty else f"{text} = {_default(one.default)}"


def _typed(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = _QUALIFIED.sub("", text.replace("NoneType", "None"))
    return _OPTIONAL.sub(r"\1 | None", _BOUNDED.sub(r"\1", _TYPE_VARIABLE.sub(r"\1", text)))


def _default(value: Any) -> str:
    if callable(value):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, Enum):
        return str(value)
    return "..." if _ADDRESS.search(repr(value)) or "factory" in repr(value) else repr(value)


def _fenced(code: str) -> str:
    return f"```text\n{code}\n```\n"


def _prose(thing: Any) -> str:
    """A docstring as Markdown: its double backticks single, its code as it is."""
    parts = re.split(r"(^```.*?^```$)", inspect.getdoc(thing) or "", flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else part.replace("``", "`") for part in parts) + "\n"


def _errors() -> Iterator[str]:
    tree = list(_tree(rockbottom.RockbottomError, 0))
    yield _fenced("\n".join(f"{'    ' * depth}{error.__name__}" for error, depth in tree))
    yield from (f"`{error.__name__}`: {_prose(error)}" for error, _ in tree)


def _tree(error: type, depth: int) -> Iterator[tuple[type, int]]:
    """An error and those below it that are public names."""
    yield error, depth
    public = [getattr(rockbottom, name) for name in rockbottom.__all__]
    below = [one for one in public if inspect.isclass(one) and _parent(one, public) is error]
    for one in sorted(below, key=lambda kind: kind.__name__):
        yield from _tree(one, depth + 1)


def _parent(error: type, public: list[Any]) -> type | None:
    return next((base for base in error.__mro__[1:] if base in public), None)


if __name__ == "__main__":
    sys.exit(written_or_checked(PAGE, page()))
