"""The switches of the semantics: behaviour on which sources conflict or are silent, chosen explicitly.

Every default is the catalogue's (``catalog/data/switches.toml`` gives both sides with their sources).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from rockbottom.catalog import Switch
from rockbottom.prompt import Api
from rockbottom.quantities import RockbottomError, Ttl

_SHOWN_BY, _SEEN = 3, 0.1
"""Requests that a side must be shown by, and the share of them (or of their tokens) that may speak for the other."""


class UnknownSide(RockbottomError):
    """A switch was set to a value that it does not have, or there is no such switch."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One value per switch that the semantics looks at, spelled as in the catalogue.

    A switch named ``NAME_API`` holds in place of ``NAME`` on that API surface (``on``).
    """

    thinking_scope: str
    ttl_in_key: str
    entry_lifetime: str
    refresh_on_hit: str
    api_in_key: str
    point_below_hit: str
    unsupported_ttl: str
    trailing_text_document: str
    implicit_lookback: str = "message_ends"
    best_effort_reads: str = "never"
    cache_key_in_key: str = "yes"
    host_in_key: str = "yes"
    thirty_minutes_slide: str = "yes"
    gpt_stream_counters: str = "disjoint"
    ttl_in_key_messages: str = "no"

    def renews(self, ttl: Ttl) -> bool:
        """Whether a read renews an entry of this lifetime: contested of 30 minutes alone."""
        return ttl is not Ttl.THIRTY_MINUTES or self.thirty_minutes_slide == "yes"

    def on(self, api: Api) -> "Behaviour":
        """The sides that hold on one API surface: what was recorded of it in place of what holds elsewhere."""
        return _on(self, api)


@lru_cache(maxsize=256)
def _on(behaviour: Behaviour, api: Api) -> Behaviour:
    names = {field.name for field in fields(behaviour)}
    own = {name: f"{name}_{api.value}" for name in names if f"{name}_{api.value}" in names}
    return (
        replace(behaviour, **{name: getattr(behaviour, of_api) for name, of_api in own.items()}) if own else behaviour
    )


def behaviour_of(switches: Mapping[str, Switch], **chosen: str) -> Behaviour:
    """The catalogue's defaults with these sides chosen instead. Raises UnknownSide for a name or value unknown."""
    names = [field.name for field in fields(Behaviour)]
    for name, side in chosen.items():
        if name not in names:
            raise UnknownSide(f"no switch {name!r} in the cache semantics; there are {', '.join(names)}")
        if side not in switches[name].sides:
            raise UnknownSide(f"switch {name} has no side {side!r}; it has {', '.join(switches[name].sides)}")
    return Behaviour(**{name: chosen.get(name, switches[name].default) for name in names})


def side_is_shown(requests: int, against: float) -> bool:
    """Whether counters show a side: of ``requests`` that tell the sides apart the share ``against`` says the other."""
    return requests >= _SHOWN_BY and against < _SEEN
