"""Which side of a contested switch the counters of explained requests show."""

from collections.abc import Sequence
from dataclasses import replace

from rockbottom.cache import Behaviour, behaviour_of, side_is_shown
from rockbottom.catalog import Catalog
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.findings import Findings
from rockbottom.diagnose.sent import Sent


def sides_shown(findings: Findings, requests: Sequence[Sent], catalog: Catalog) -> Behaviour:
    """The catalogue's sides, but for ``implicit_lookback`` where the service's own point was seen not to look back.

    Bills of fixes by a side that the requests contradict would say that nothing is to be saved.
    """
    behaviour = behaviour_of(catalog.switches)
    missed = [total for total in findings.totals if total.cause is Cause.NOT_LOOKED_BACK]
    tokens, misses = sum(total.tokens for total in missed), sum(len(total.findings) for total in missed)
    read = sum(
        sent.usage.cache_read for sent in requests if sent.usage is not None and sent.rules.implicit_point
    )  # fmt: skip
    shown = side_is_shown(misses, read / tokens if tokens else 0.0)
    return replace(behaviour, implicit_lookback="none") if shown else behaviour
