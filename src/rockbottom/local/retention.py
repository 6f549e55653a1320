"""What an account lets the service retain: the mode that it chose, and the models that this mode does not satisfy.

AWS, "Data retention" (https://docs.aws.amazon.com/bedrock/latest/userguide/data-retention.html). Which modes a model
allows is data (``data/retention.toml``); modes of projects are not played.
"""

import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any

from rockbottom.local.failures import ServiceFailure

Json = dict[str, Any]
INHERIT = "inherit"


@cache
def _data() -> Json:
    return tomllib.loads((resources.files("rockbottom.local") / "data" / "retention.toml").read_text(encoding="utf-8"))


@cache
def allowed_modes(model: str) -> tuple[str, ...]:
    """The modes that a model (its bare id) allows, from the least to the most permissive."""
    rows = (row for row in _data()["models"] if any(fnmatchcase(model, pattern) for pattern in row["patterns"]))
    return tuple(next(rows)["allowed"])


def is_mode(mode: object) -> bool:
    """Whether an account may choose it."""
    return mode == INHERIT or mode in _data()["order"]


@dataclass(slots=True)
class Retention:
    """The mode of each account. ``first`` is that of an account that chose none."""

    first: str = INHERIT
    chosen: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])

    def choose(self, account: str, mode: object, at: float) -> None:
        """Set an account's mode, at an instant in seconds. Raises ServiceFailure; the end of its words is ours."""
        if not isinstance(mode, str) or not is_mode(mode):
            known = ", ".join((INHERIT, *_data()["order"]))
            words = f"Invalid 'data_retention': expected one of {known}."
            raise ServiceFailure(
                "ValidationException", f"Failed to deserialize the JSON body into the target type: {words}"
            )
        self.chosen[account] = (mode, at)

    def mode(self, account: str) -> str:
        """The mode that an account has."""
        return self.chosen[account][0] if account in self.chosen else self.first

    def check(self, account: str, model: str) -> None:
        """Raise the refusal of a model (its bare id) that the account's mode does not satisfy."""
        mode, _ = self._in_force(account)
        if mode not in allowed_modes(model):
            raise ServiceFailure(
                "ValidationException",
                f"data retention mode '{mode}' is not available for this model",
                hint=f"PUT /v1/data_retention {{'mode': '{allowed_modes(model)[0]}'}}, or serve --data-retention",
            )

    def described(self, account: str, model: str) -> Json:
        """What the list of models says of one (its bare id)."""
        mode, source = self._in_force(account)
        allowed = allowed_modes(model)
        retention: Json = {"data_retention": {"mode": mode, "source": source, "allowed_modes": list(allowed)}}
        if mode in allowed:
            return {"status": "available", **retention}
        reason = f"This model is not available under data retention mode '{mode}'."
        return {"status": "unavailable", "status_reason": reason, **retention}

    def _in_force(self, account: str) -> tuple[str, str]:
        mode = self.mode(account)
        return (_data()["fallback"], "model_default") if mode == INHERIT else (mode, "account")
