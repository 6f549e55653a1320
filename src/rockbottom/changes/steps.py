"""One thing in an account, how it differs from what is wanted, and the call that would make it the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class StepKind(Enum):
    """What a step does to one thing; the value is the word a person reads."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """One setting that is not as wanted."""

    setting: str
    found: Any
    wanted: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One thing and what becomes of it. ``request`` is what would be sent; ``thing`` says what it is (alarm, topic)."""

    kind: StepKind
    thing: str
    name: str
    differences: tuple[SettingDifference, ...] = ()
    request: Mapping[str, Any] | None = None

    @property
    def changes(self) -> bool:
        """Whether applying it calls AWS."""
        return self.kind in (StepKind.CREATE, StepKind.UPDATE, StepKind.DELETE)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; without the request."""
        differences = [asdict(difference) for difference in self.differences]
        return {"kind": self.kind.value, "thing": self.thing, "name": self.name, "differences": differences}
