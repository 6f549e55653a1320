"""Names of locals, parameters and classes say what they hold and are."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rockbottom"

EMPTY = frozenset({"one", "found", "wanted", "given", "said", "told", "asked", "kept", "held", "made"})
"""Words that say that there is something, and not what: a record, a row, a set of names, a message."""

KEPT = {
    "catalog/errors.py: given": "UnknownModel is public, and so is its attribute: the id as it was given",
    "prompt/errors.py: found": "MalformedBody is public, and a planner of one's own may raise it",
    "prompt/errors.py: wanted": "MalformedBody is public, and a planner of one's own may raise it",
}
"""File and word of what may stay, each with its reason."""


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name bound in a module, with its line: parameters, targets, nested functions; no members of classes."""
    members = {
        id(member)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        for member in _members(statement)
    }
    for node in ast.walk(tree):
        name = _bound(node)
        if name is not None and id(node) not in members:
            yield getattr(node, "lineno", 0), name


def _members(statement: ast.stmt) -> list[ast.AST]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [statement]
        case ast.AnnAssign(target=target):
            return [target]
        case ast.Assign(targets=targets):
            return [*targets]
        case _:
            return []


def _bound(node: ast.AST) -> str | None:
    match node:
        case ast.arg(arg=name):
            return name
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return name
        case _:
            return None


@pytest.mark.parametrize(
    ("code", "empty"),
    [
        pytest.param("for one in rows: pass", ["one"], id="a loop"),
        pytest.param("[one.name for one in rows]", ["one"], id="a comprehension"),
        pytest.param("def f(given, *, said=None): ...", ["given", "said"], id="parameters"),
        pytest.param("key = lambda one: one.at", ["one"], id="a lambda"),
        pytest.param("if (found := look()): ...", ["found"], id="a named expression"),
        pytest.param("def f():\n    def found(): ...", ["found"], id="a function in a function"),
        pytest.param("try: ...\nexcept OSError as found: ...", ["found"], id="an error"),
        pytest.param("class Check:\n    found: str\n    def wanted(self): ...", [], id="members have an owner"),
        pytest.param("for row in rows: print(row.found, dict(wanted=1))", [], id="what others named"),
    ],
)
def test_a_name_is_seen_wherever_it_is_bound(code: str, empty: list[str]) -> None:
    """However a name is bound, and nothing else."""
    assert sorted(name for _, name in names_in(ast.parse(code)) if name in EMPTY) == empty


def test_no_local_is_named_by_a_word_that_says_nothing() -> None:
    """``record``, ``row``, ``names``, ``message``: whoever reads a line must not look up what its names hold."""
    empty = [
        (f"{path.relative_to(SOURCE).as_posix()}: {name}", line)
        for path in sorted(SOURCE.rglob("*.py"))
        for line, name in names_in(ast.parse(path.read_text(encoding="utf-8")))
        if name in EMPTY
    ]
    assert [f"{place} (line {line})" for place, line in empty if place not in KEPT] == []
    assert {place for place, _ in empty} == set(KEPT), "what no longer stands needs no exception"


def classes_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every class of a module that others may import, with its line: no private ones, none inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.lineno, node.name
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from classes_in(node)


def test_a_class_is_seen_where_others_may_import_it() -> None:
    """At the top of a module, behind a condition too; a private one and one inside a function are nobody else's."""
    code = (
        "class A: ...\nclass _B: ...\nif x:\n    class C: ...\ndef f():\n    class D: ...\nclass E:\n    class F: ..."
    )
    assert list(classes_in(ast.parse(code))) == [(1, "A"), (4, "C"), (7, "E")]


def test_a_class_has_a_name_of_its_own() -> None:
    """One word per idea: classes of one name are one idea, for a room beneath both, or they need names of their own."""
    places: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for line, name in classes_in(ast.parse(path.read_text(encoding="utf-8"))):
            places.setdefault(name, []).append(f"{path.relative_to(SOURCE).as_posix()}:{line}")
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
