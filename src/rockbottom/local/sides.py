"""Which side of each switch an endpoint plays: those of the cache semantics, and those that are the endpoint's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rockbottom.cache import Behaviour, Reason, Refusal, behaviour_of
from rockbottom.catalog import CacheRules, Catalog
from rockbottom.local.failures import invalid
from rockbottom.prompt import BlockKind, Prompt
from rockbottom.quantities import RockbottomError

_CODES = {"access_denied": "AccessDeniedException", "validation": "ValidationException"}
_OWN = (
    "unsupported_model_error", "nova_minimum", "nova_propagation_lag", "cache_hop_rate", "implicit_reads", "lookback",
    "reasoning_in_history", "lifetime_from", "cache_key_needed", "same_role_in_a_row",
)  # fmt: skip
"""The switches that are the endpoint's own."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The switches in force. ``own`` are the sides of those that the endpoint plays itself, ``values`` their numbers.

    ``nova_lag_s`` are the seconds after which an entry of Nova can be read, ``hop_rate`` the share of the requests to
    a profile that another Region than the usual one serves. ``lasts_from_end``: lifetimes are counted from the end of
    the reply.
    """

    behaviour: Behaviour
    own: Mapping[str, str]
    values: Mapping[str, float]

    @property
    def unsupported_code(self) -> str:
        return _CODES[self.own["unsupported_model_error"]]

    @property
    def hop_rate(self) -> float:
        return self.values["cache_hop_rate"]

    @property
    def lasts_from_end(self) -> bool:
        return self.own["lifetime_from"] == "end"

    @property
    def alternates(self) -> bool:
        """Whether two messages of one role in a row are refused on Converse."""
        return self.own["same_role_in_a_row"] == "refused"

    @property
    def nova_lag_s(self) -> float:
        return self.values["nova_propagation_lag"]

    def rules_of(self, rules: CacheRules, vendor: str, *, points: bool) -> CacheRules:
        """The rules of a model with the sides of its vendor; ``points``: the request has points of its own.

        Automatic reads of Nova are reads alone: nobody states a counter of what was written for them.
        """
        if vendor == "amazon":
            rules = replace(rules, minimum_tokens=max(rules.minimum_tokens, int(self.values["nova_minimum"])))
            if self.own["implicit_reads"] == "on" and rules.explicit and not points:
                rules = replace(rules, implicit_point=True, best_effort=True)
        most = int(self.values.get("lookback", rules.lookback_blocks))
        return rules if most >= rules.lookback_blocks else replace(rules, lookback_blocks=most)

    def unread(self, prompt: Prompt, rules: CacheRules) -> bool:
        """Whether a prompt reads nothing, whatever is held: one of GPT without a key, where that is needed."""
        keyless = prompt.api.native and not prompt.parameters.cache_key
        return keyless and rules.implicit_point and self.own["cache_key_needed"] == "yes"

    def refused(self, prompt: Prompt) -> Refusal | None:
        """The first point with reasoning anywhere before it, where that is what the service refuses (Converse)."""
        if self.own["reasoning_in_history"] == "adjacent" or prompt.api.native:
            return None
        kinds = [segment.kind for segment in prompt.segments]
        first = kinds.index(BlockKind.REASONING) if BlockKind.REASONING in kinds else len(kinds)
        behind = (number for number, point in enumerate(prompt.points) if point.after > first)
        number = next(behind, None)
        return None if number is None else Refusal(Reason.AFTER_REASONING, prompt.points[number], number)

    def told(self) -> dict[str, str]:
        """Every switch with its side."""
        return {name: getattr(self.behaviour, name) for name in self.behaviour.__slots__} | dict(self.own)


def sides_of(catalog: Catalog, chosen: Mapping[str, str]) -> Sides:
    """The catalogue's defaults with these sides chosen instead. Raises ServiceFailure for what does not exist."""
    own = {name: chosen.get(name, catalog.switches[name].default) for name in _OWN}
    values: dict[str, float] = {}
    for name, side in own.items():
        switch = catalog.switches[name]
        if side not in switch.sides:
            raise invalid(f"switch {name} has no side {side!r}; it has {', '.join(switch.sides)}")
        if side in switch.values:
            values[name] = switch.values[side]
    try:
        semantics = {name: side for name, side in chosen.items() if name not in _OWN}
        return Sides(behaviour_of(catalog.switches, **semantics), own, values)
    except RockbottomError as error:
        raise invalid(str(error)) from error
