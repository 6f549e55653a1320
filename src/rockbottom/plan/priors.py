"""The priors: what recorded traffic says about each kind before anything of one's own was seen."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from rockbottom.plan.returns import ClassKey

Counts = tuple[tuple[float, ...], tuple[float, ...]]
CAP = 5.0
"""A class starts with at most this many pseudo-observations, however many were recorded."""

_EARLY = 0.6  # of the returns between five minutes and an hour, the part before twenty minutes


@lru_cache(maxsize=1)
def load_priors() -> Mapping[ClassKey, Counts]:
    """Pseudo-counts per class from the packaged file, summed up for the broader classes."""
    text = files("rockbottom.plan").joinpath("priors.toml").read_text(encoding="utf-8")
    return counts_of(tomllib.loads(text)["kind"])


def counts_of(rows: Mapping[str, Mapping[str, float]]) -> dict[ClassKey, Counts]:
    """Pseudo-counts of the classes named ``a/b/...``, and of the classes they belong to."""
    sums: dict[ClassKey, tuple[list[float], list[float]]] = {}
    for name, row in rows.items():
        full = tuple(name.split("/"))
        hits, misses = _stages(row)
        broad = full[:2]
        middle = {"first": full[:3], "more": full[:4]}.get(full[0], full[:3] if "fresh" in full else full[:4])
        for key in {broad, middle, full}:
            into = sums.setdefault(key, ([0.0] * 4, [0.0] * 4))
            for stage in range(4):
                into[0][stage] += hits[stage]
                into[1][stage] += misses[stage]
    return {key: _capped(*found, cap=CAP if len(key) > 2 else 2 * CAP) for key, found in sums.items()}


def _stages(row: Mapping[str, float]) -> tuple[list[float], list[float]]:
    n = min(float(row["n"]), CAP)
    minute, five, hour = row["p1"], row["p5"], row["p5_60"]
    parts = [minute, five - minute, _EARLY * hour, (1 - _EARLY) * hour]
    hits: list[float] = []
    misses: list[float] = []
    left = 1.0
    for part in parts:
        hits.append(n * part)
        left -= part
        misses.append(n * max(0.0, left))
    return hits, misses


def _capped(hits: list[float], misses: list[float], cap: float) -> Counts:
    scale = min(1.0, cap / max(hits[0] + misses[0], 1e-9))
    return tuple(hit * scale for hit in hits), tuple(miss * scale for miss in misses)
