"""rockbottom: the lowest honest bill for Amazon Bedrock."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rockbottom.client import attach, report, tagged
    from rockbottom.plan import Planner

__version__ = "0.1.0"

__all__ = ["Planner", "__version__", "attach", "report", "tagged"]

# Where each public name lives: imported when it is first asked for, so that importing rockbottom costs nothing.
_HOMES = {
    "Planner": "rockbottom.plan",
    "attach": "rockbottom.client",
    "report": "rockbottom.client",
    "tagged": "rockbottom.client",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
