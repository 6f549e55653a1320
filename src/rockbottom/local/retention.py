"""What may be retained: the mode that an account or a project chose, and the models that this mode does not satisfy.

AWS, "Data retention" (https://docs.aws.amazon.com/bedrock/latest/userguide/data-retention.html): a request's mode is
its project's, else its account's, else the model's own. An account has one in each Region, and one for bedrock-mantle
and another for bedrock-runtime, "neither setting reads the other" (sample-per-model-bedrock, 00-foundations/02, October
2026). Which modes a model allows is data (``data/retention.toml``).
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Any, NamedTuple

from rockbottom.catalog import MANTLE
from rockbottom.files import packaged
from rockbottom.local.failures import ServiceFailure

Json = dict[str, Any]
INHERIT = "inherit"


_data = partial(packaged, "local", "retention")


@cache
def allowed_modes(model: str) -> tuple[str, ...]:
    """The modes that a model (its bare id) allows, from the least to the most permissive."""
    rows = (row for row in _data()["models"] if any(fnmatchcase(model, pattern) for pattern in row["patterns"]))
    return tuple(next(rows)["allowed"])


def most_projects() -> int:
    """How many projects an account may have."""
    return _data()["projects"]["most"]


class SettingPlace(NamedTuple):
    """Where a setting holds: one of the two hosts, an account, a Region."""

    host: str
    account: str
    region: str


def checked_mode(mode: object) -> str:
    """A mode that an account or a project may choose. Raises ServiceFailure; the end of its words is ours."""
    if mode == INHERIT or mode in _data()["order"]:
        return str(mode)
    known = ", ".join((INHERIT, *_data()["order"]))
    words = "missing field `mode`" if mode is None else f"Invalid 'data_retention': expected one of {known}."
    raise ServiceFailure("ValidationException", f"Failed to deserialize the JSON body into the target type: {words}")


@dataclass(slots=True)
class Retention:
    """The mode of each account at each place. ``first`` is that of an account that chose none."""

    first: str = INHERIT
    chosen: dict[SettingPlace, tuple[str, float]] = field(default_factory=dict[SettingPlace, tuple[str, float]])

    def choose(self, place: SettingPlace, mode: object, at: float) -> None:
        """Set an account's mode, at an instant in seconds. Raises ServiceFailure."""
        self.chosen[place] = (checked_mode(mode), at)

    def mode(self, place: SettingPlace) -> str:
        """The mode that an account has."""
        return self.chosen[place][0] if place in self.chosen else self.first

    def in_force(self, place: SettingPlace, project: str = INHERIT) -> tuple[str, str]:
        """The mode of a request to a project with this mode, and whose it is."""
        if project != INHERIT:
            return project, "project"
        mode = self.mode(place)
        return (_data()["fallback"], "model_default") if mode == INHERIT else (mode, "account")

    def check(self, place: SettingPlace, model: str, project: str = INHERIT) -> None:
        """Raise the refusal of a model (its bare id) that the mode in force does not satisfy."""
        mode, _ = self.in_force(place, project)
        if mode not in allowed_modes(model):
            least = allowed_modes(model)[0]
            path = "/v1/data_retention" if place.host == MANTLE else "/data-retention"
            raise ServiceFailure(
                "ValidationException",
                f"data retention mode '{mode}' is not available for this model",
                hint=f"PUT {path} {{'mode': '{least}'}}, or serve --data-retention {least}",
            )

    def described(self, place: SettingPlace, model: str) -> Json:
        """What the list of models says of one (its bare id)."""
        mode, source = self.in_force(place)
        allowed = allowed_modes(model)
        entry: Json = {"data_retention": {"mode": mode, "source": source, "allowed_modes": list(allowed)}}
        if mode in allowed:
            return {"status": "available", **entry}
        reason = f"This model is not available under data retention mode '{mode}'."
        return {"status": "unavailable", "status_reason": reason, **entry}
