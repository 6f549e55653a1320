"""What each minute took of the quota of tokens a minute, by AWS's own reckoning.

Input and cache writes count, reads do not, an output token counts as often as its model's burndown says; while a call
runs, the tokens that it may answer with are reserved instead
(https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from rockbottom.catalog import known_burndown
from rockbottom.figures import share, thousands
from rockbottom.quantities import Usage

_MOST_MINUTES = 31 * 24 * 60


class FullestMinute(msgspec.Struct, frozen=True):
    """The minute in which a model took most of its quota.

    ``settled`` are tokens as the quota counts them in the end, ``reserved`` what was held when the calls began;
    ``quota`` is what the account may take in a minute, and ``share`` the greater of the two as a part of it, both None
    where nobody said. ``burndown`` None: not known, counted as 1.
    """

    model: str
    at: int
    settled: int
    reserved: int
    burndown: int | None
    quota: int | None
    share: float | None


@dataclass(slots=True)
class QuotaMinutes:
    """Adds up minutes; ``quotas`` are tokens a minute by model, as the account has them."""

    quotas: Mapping[str, int] = field(default_factory=dict[str, int])
    _minutes: dict[tuple[str, int], list[int]] = field(default_factory=dict[tuple[str, int], list[int]])

    def add(self, model: str, at: float, usage: Usage, most_output: int) -> None:
        """One call; ``most_output`` is what its request allowed its answer to be, 0: not said."""
        minute = int(at // 60) * 60
        fresh, burned = usage.input + usage.cache_write, usage.output * (known_burndown(model) or 1)
        sums = self._minutes.setdefault((model, minute), [0, 0])
        sums[0] += fresh + burned
        sums[1] += fresh + max(most_output, burned)
        if len(self._minutes) > 2 * _MOST_MINUTES:
            for key in sorted(self._minutes, key=lambda key: key[1])[:_MOST_MINUTES]:
                del self._minutes[key]

    def fullest(self, since: float, until: float) -> tuple[FullestMinute, ...]:
        """The fullest minute of each model in a stretch of time, the nearest to its quota first."""
        best: dict[str, FullestMinute] = {}
        for (model, minute), (settled, reserved) in self._minutes.items():
            if not since <= minute < until:
                continue
            before = best.get(model)
            if before is None or max(settled, reserved) > max(before.settled, before.reserved):
                quota = self.quotas.get(model)
                share = max(settled, reserved) / quota if quota else None
                best[model] = FullestMinute(model, minute, settled, reserved, known_burndown(model), quota, share)
        return tuple(sorted(best.values(), key=lambda entry: (-(entry.share or 0), -entry.settled, entry.model)))


def quota_sentences(minutes: Sequence[FullestMinute], named: Mapping[str, str]) -> list[str]:
    """A sentence for each model: how near its quota its busiest minute came."""
    sentences: list[str] = []
    for minute in minutes:
        counts = f"{thousands(minute.settled)} tokens settled, {thousands(minute.reserved)} reserved at the start"
        of = (
            (f", {share(minute.share)} of {thousands(minute.quota)}")
            if minute.quota and minute.share is not None
            else ""
        )
        rate = (
            "output counted once: its burndown is not known"
            if minute.burndown is None
            else f"output x {minute.burndown}"
        )
        sentences.append(
            f"busiest minute against the quota, {named.get(minute.model, minute.model)}: {counts}{of} ({rate})"
        )
    return sentences
