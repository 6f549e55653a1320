"""Calls whose usage never came, as report, ledger, status and watch say them: what is known is bounds of a cost."""

from decimal import Decimal

from rockbottom.figures.money import decimals_for, usd
from rockbottom.figures.numbers import counted, thousands

Bounds = tuple[Decimal, Decimal]
"""The least and the most that something cost, in US dollars."""


def without_usage(calls: int, answered: int, prompts: Bounds, *, why: str = "") -> str:
    """A sentence on calls that ended without usage, without its full stop.

    ``answered`` of them the service answered, and so bills; what their ``prompts`` cost is an estimate between reading
    all that they marked and writing it. ``why`` follows the verb.
    """
    ended = f"{counted(calls, 'call')} ended without usage{why}"
    if not answered:
        return f"{ended}: what {'it' if calls == 1 else 'they'} cost is not known"
    part = "" if answered == calls else f", {thousands(answered)} of them answered"
    least, most = _amounts(prompts)
    whose = "its prompt" if answered == 1 else "their prompts"
    bounds = f"{least} (if what is marked was read) to {most} (if written)"
    return f"{ended}{part}: {whose} cost {bounds}, estimated and in no sum; answers come on top"


def without_usage_briefly(calls: int, answered: int, prompts: Bounds) -> str:
    """The same as a part of a line."""
    if not answered:
        return f"{thousands(calls)} without usage"
    least, most = _amounts(prompts)
    return f"{thousands(calls)} without usage (prompts {least} to {most})"


def _amounts(bounds: Bounds) -> tuple[str, str]:
    """Three figures of the larger amount: these are estimates."""
    least, most = (usd(amount, decimals_for([bounds[1]], 3), symbol=True) for amount in bounds)
    return least, most
