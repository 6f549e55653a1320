"""Errors of the live view.

RockbottomError
+-- WatchError          the view cannot be shown
    +-- NoSuchPeriod    none of the periods that it knows
    +-- NeedsRich       the live terminal view without the package that draws it
"""

from rockbottom.quantities import RockbottomError


class WatchError(RockbottomError):
    """The view cannot be shown."""


class NoSuchPeriod(WatchError):
    """None of the periods that the view knows."""


class NeedsRich(WatchError):
    """The live terminal view is drawn by rich, which is not installed."""
