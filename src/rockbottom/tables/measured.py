"""What ledgers tell of the planner's worth: calls that were only observed, and conversations that were held out."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from rockbottom.catalog import load_catalog
from rockbottom.cost import Arm, ArmComparison, ArmSums, caching_by_themselves, saved_by_itself
from rockbottom.figures import counted, decimals_for, share, usd
from rockbottom.ledger import usd_of_picousd
from rockbottom.quantities import Usd
from rockbottom.tables.ledger_tables import LedgerTables

ARM_SUMS = (
    "arm, sum(calls - failed - no_usage)::BIGINT AS calls, sum(cost_picousd)::HUGEINT AS cost, "
    "sum(uncached_picousd)::HUGEINT AS uncached, sum(first_calls)::BIGINT AS streams, "
    "sum(first_us)::HUGEINT AS first_us"
)
"""What is summed of each arm, in the order of ``group_of``."""


_ARMS = "FROM (SELECT *, start AS hour FROM cells)"  # hours tell no arms apart


class Observed(msgspec.Struct, frozen=True):
    """Calls that were only observed (a dry run): what they cost, and what they would have cost with the planner."""

    calls: int
    cost_usd: Usd
    planned_usd: Usd
    would_save_usd: Usd


class ObservedSums(msgspec.Struct, frozen=True):
    """The same as sums; money in pico-dollars."""

    observed: int = 0
    observed_picousd: int = 0
    planned_picousd: int = 0

    def __add__(self, other: "ObservedSums") -> "ObservedSums":
        return ObservedSums(
            self.observed + other.observed,
            self.observed_picousd + other.observed_picousd,
            self.planned_picousd + other.planned_picousd,
        )

    def figures(self) -> Observed | None:
        """In US dollars; None where nothing was only observed."""
        if not self.observed:
            return None
        cost, planned = usd_of_picousd(self.observed_picousd), usd_of_picousd(self.planned_picousd)
        return Observed(self.observed, cost, planned, cost - planned)


def observed_in(tables: LedgerTables, where: str) -> ObservedSums:
    """The sums of the hours for which a condition in SQL holds."""
    names = ", ".join(f"coalesce(sum({name}), 0)::HUGEINT AS {name}" for name in ObservedSums.__struct_fields__)
    (sums,) = tables.records(ObservedSums, f"SELECT {names} FROM hours WHERE {where}")
    return sums


def arms_in(tables: LedgerTables, where: str) -> dict[Arm, ArmSums]:
    """The sums of each arm and group of the hours for which a condition in SQL holds."""
    rows = tables.rows(f"SELECT {ARM_SUMS} {_ARMS} WHERE arm <> '' AND {where} GROUP BY 1")
    groups = ((Arm.of(row.pop("arm")), group_of(row.values())) for row in rows)
    return {arm: group for arm, group in groups if arm is not None}


def group_of(sums: Any) -> ArmSums:
    """A group of its sums, in the order of ``ARM_SUMS``."""
    calls, cost, uncached, streams, first_us = sums
    return ArmSums(calls, usd_of_picousd(cost), usd_of_picousd(uncached), streams, first_us / 1000)


def joined(groups: Mapping[Arm, ArmSums], others: Mapping[Arm, ArmSums]) -> dict[Arm, ArmSums]:
    """The groups of two ledgers: the same conversation is in the same one."""
    return {arm: groups.get(arm, ArmSums()) + others.get(arm, ArmSums()) for arm in {**groups, **others}}


def sentences_of(observed: Observed | None, holdout: ArmComparison | None, models: Iterable[str] = ()) -> list[str]:
    """What was measured of the planner's worth, in sentences; first of ``models`` that read and cache by themselves."""
    by_themselves = caching_by_themselves(load_catalog(), models)
    sentences = [saved_by_itself(by_themselves)] if by_themselves else list[str]()
    if observed is not None:
        part = f" ({share(observed.would_save_usd / observed.cost_usd)})" if observed.cost_usd else ""
        planned, cost, saving = (_usd(amount) for amount in
                                 (observed.planned_usd, observed.cost_usd, observed.would_save_usd))  # fmt: skip
        calls = counted(observed.calls, "call")
        sentences.append(
            f"only observed: with rockbottom attached {calls} would have cost {planned} instead of {cost}, saving "
            f"{saving}{part}"
        )
    return sentences + (holdout.sentences() if holdout is not None else [])


def _usd(amount: Decimal) -> str:
    return usd(amount, decimals_for([amount], 3), symbol=True)
