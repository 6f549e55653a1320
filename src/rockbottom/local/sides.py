"""Which side of each switch an endpoint plays: those of the cache semantics, and those that are the endpoint's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from rockbottom.cache import Behaviour, behaviour_of
from rockbottom.catalog import Catalog
from rockbottom.local.failures import invalid
from rockbottom.quantities import RockbottomError

_CODES = {"access_denied": "AccessDeniedException", "validation": "ValidationException"}
_MINIMA = {"none": 0, "documented": 1024}
_LAGS = {"none": 0.0, "five_seconds": 5.0}
_OWN: Mapping[str, Mapping[str, object]] = {
    "unsupported_model_error": _CODES,
    "nova_minimum": _MINIMA,
    "nova_propagation_lag": _LAGS,
}


@dataclass(frozen=True, slots=True)
class Sides:
    """The switches in force. ``own`` are the sides of those that the endpoint plays itself.

    ``nova_minimum`` are the tokens below which Nova caches nothing, ``nova_lag_s`` the seconds after which an entry
    of Nova can be read.
    """

    behaviour: Behaviour
    own: Mapping[str, str]

    @property
    def unsupported_code(self) -> str:
        return _CODES[self.own["unsupported_model_error"]]

    @property
    def nova_minimum(self) -> int:
        return _MINIMA[self.own["nova_minimum"]]

    @property
    def nova_lag_s(self) -> float:
        return _LAGS[self.own["nova_propagation_lag"]]

    def told(self) -> dict[str, str]:
        """Every switch with its side."""
        return {name: getattr(self.behaviour, name) for name in self.behaviour.__slots__} | dict(self.own)


def sides_of(catalog: Catalog, chosen: Mapping[str, str]) -> Sides:
    """The catalogue's defaults with these sides chosen instead. Raises ServiceFailure for what does not exist."""
    own = {name: chosen.get(name, catalog.switches[name].default) for name in _OWN}
    for name, side in own.items():
        if side not in _OWN[name]:
            raise invalid(f"switch {name} has no side {side!r}; it has {', '.join(_OWN[name])}")
    try:
        semantics = {name: side for name, side in chosen.items() if name not in _OWN}
        return Sides(behaviour_of(catalog.switches, **semantics), own)
    except RockbottomError as error:
        raise invalid(str(error)) from error
