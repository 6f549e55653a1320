"""What a workload says about quality: the checks of a turn (``grade``) and the judge and the bar (``grading``)."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from rockbottom.bench.errors import InvalidWorkload
from rockbottom.extras import Field, yaml_field
from rockbottom.grading import KINDS, Check

ReadFile = Callable[[Field], tuple[object, str]]
_JUDGE = ("model", "reference", "votes", "scale", "pass", "criteria")


@dataclass(frozen=True, slots=True)
class Grading:
    """How answers are graded beside their checks; ``judge`` empty: by no judge.

    ``reference`` is the model that the others are held against, in pairs; ``bar`` the share of conversations that must
    pass (None: no bar is given, so no verdict).
    """

    bar: Decimal | None = None
    judge: str = ""
    reference: str = ""
    votes: int = 3
    scale: int = 5
    pass_at: int = 4
    criteria: tuple[str, ...] = ()


def read_grading(field: Field | None) -> Grading:
    """The member ``grading`` of a workload."""
    if field is None:
        return Grading()
    members = field.members(("bar", "judge"))
    bar = Decimal(str(members["bar"].number(least=0, most=1))) if "bar" in members else None
    if "judge" not in members:
        return Grading(bar)
    judge = members["judge"].members(_JUDGE, required=("model",))
    scale = judge["scale"].whole(least=2, most=100) if "scale" in judge else 5
    default = -(-scale * 4 // 5)
    return Grading(
        bar=bar,
        judge=judge["model"].text(),
        reference=judge["reference"].text() if "reference" in judge else "",
        votes=judge["votes"].whole(least=1, most=99) if "votes" in judge else 3,
        scale=scale,
        pass_at=judge["pass"].whole(least=1, most=scale) if "pass" in judge else default,
        criteria=tuple(item.text() for item in judge["criteria"].items()) if "criteria" in judge else (),
    )


def read_checks(field: Field | None, read_file: ReadFile) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """The checks of a turn, and the criteria that it adds for a judge."""
    checks: list[Check] = []
    criteria: list[str] = []
    for item in field.items() if field else []:
        named = list(item.entries())
        if len(named) != 1:
            raise item.fault(f"expected one of {', '.join((*KINDS, 'judge'))} with what it wants")
        kind, value = named[0]
        if kind == "judge":
            criteria.append(value.text())
        elif kind in KINDS:
            checks.append(Check(kind, _wanted(kind, value, read_file)))
        else:
            item.members((*KINDS, "judge"))  # names the nearest
    return tuple(checks), tuple(criteria)


def _wanted(kind: str, field: Field, read_file: ReadFile) -> object:
    if kind == "json_schema" and field.is_mapping() and [name for name, _ in field.entries()] == ["file"]:
        path, text = read_file(field.members(("file",))["file"])
        return workload_field(text, str(path)).plain()  # every JSON document is YAML
    return field.plain()


def workload_field(text: str, file: str) -> Field:
    """The top of a YAML text of a workload; raises InvalidWorkload where it is not YAML or is empty."""
    return yaml_field(text, file, InvalidWorkload, fix="docs/reference/workload.md shows every field")
