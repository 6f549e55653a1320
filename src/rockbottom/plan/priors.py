"""The priors: what recorded traffic says about each kind before anything of one's own was seen."""

import csv
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

from rockbottom.plan.returns import ClassKey

Counts = tuple[tuple[float, ...], tuple[float, ...]]
CAP, BROAD_CAP = 5.0, 3.0
"""A class, or a broader one, starts with at most so many pseudo-observations, however many were recorded."""


@lru_cache(maxsize=1)
def load_priors() -> Mapping[ClassKey, Counts]:
    """Pseudo-counts per class from the packaged file, summed up for the broader classes."""
    text = files("rockbottom.plan").joinpath("priors.csv").read_text(encoding="utf-8")
    return counts_of(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def counts_of(rows: Iterable[Mapping[str, str]]) -> dict[ClassKey, Counts]:
    """Pseudo-counts of the classes whose ``kind`` is ``a/b/...``, and of the classes they belong to."""
    sums: dict[ClassKey, tuple[list[float], list[float]]] = {}
    for row in rows:
        full = tuple(row["kind"].split("/"))
        hits, misses = _stages(row)
        broad = full[:2]
        middle = {"first": full[:3], "more": full[:4]}.get(full[0], full[:3] if "fresh" in full else full[:4])
        for key in {broad, middle, full}:
            into = sums.setdefault(key, ([0.0] * 4, [0.0] * 4))
            for stage in range(4):
                into[0][stage] += hits[stage]
                into[1][stage] += misses[stage]
    return {key: _capped(*pair, cap=CAP if len(key) > 3 else BROAD_CAP) for key, pair in sums.items()}


def _stages(row: Mapping[str, str]) -> tuple[list[float], list[float]]:
    n = min(float(row["strength"]), CAP)
    ends = (float(row["p1"]), float(row["p5"]), float(row["p20"]), float(row["p60"]))
    hits: list[float] = []
    misses: list[float] = []
    before = 0.0
    for end in ends:
        hits.append(n * max(0.0, end - before))
        misses.append(n * (1 - end))
        before = end
    return hits, misses


def _capped(hits: list[float], misses: list[float], cap: float) -> Counts:
    scale = min(1.0, cap / max(hits[0] + misses[0], 1e-9))
    return tuple(hit * scale for hit in hits), tuple(miss * scale for miss in misses)
