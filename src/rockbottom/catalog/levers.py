"""What Bedrock charges for beside tokens on demand: guardrails, its own tools, hours of capacity, an agent's parts."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache, partial

from msgspec import Struct

from rockbottom.files import packaged
from rockbottom.quantities import ZERO_USD, Source, Usd


class LeverPrice(Struct, frozen=True):
    """``usd`` for ``per`` units of something; ``name`` is AWS's where AWS has one, ``what`` says it in words."""

    name: str
    what: str
    usd: Usd
    per: int
    unit: str
    source: Source
    note: str

    def of(self, units: int | Decimal) -> Usd:
        """US dollars of so many units, exact."""
        return self.usd * units / self.per


class Hourly(Struct, frozen=True):
    """US dollars for an hour of capacity: a model unit, or 1,000 input and output tokens a minute."""

    name: str
    term: str
    usd: tuple[Usd, ...]
    scope: str
    source: Source


class DistillationPair(Struct, frozen=True):
    """A teacher and a student that Bedrock distils, and what the student costs then, per million tokens.

    ``training`` is per million tokens trained and epoch; None where no price was read. ``job_id`` names the student in
    a job, which runs in ``region``.
    """

    teacher: str
    student: str
    job_id: str
    region: str
    training: Usd | None
    custom_input: Usd
    custom_output: Usd
    source: Source
    note: str


def prices_of(lever: str) -> Mapping[str, LeverPrice]:
    """The rows of ``guardrail``, ``server_tool`` or ``agent`` by name."""
    return _prices()[lever]


def guardrail_usd(units: Mapping[str, int]) -> tuple[Usd, tuple[str, ...]]:
    """What the usage of a guardrail costs, by the names in a trace; and the names that have no known price."""
    prices = prices_of("guardrail")
    known = {name: count for name, count in units.items() if name in prices}
    unknown = tuple(sorted(name for name, count in units.items() if count and name not in prices))
    return sum((prices[name].of(count) for name, count in known.items()), ZERO_USD), unknown


@cache
def provisioned_prices() -> tuple[Hourly, ...]:
    """Model units by the hour, as far as a price was read."""
    return tuple(
        Hourly(row["name"], row["term"], (Decimal(row["usd"]),), "", _sources()[row["source"]])
        for row in _facts()["provisioned"]
    )


@cache
def reserved_prices() -> tuple[Hourly, ...]:
    """The reserved tier by the hour, input and output for 1,000 tokens a minute; ``scope`` is ``geo`` or ``global``."""
    return tuple(
        Hourly(row["name"], term, tuple(map(Decimal, row[key])), row["scope"], _sources()[row["source"]])
        for row in _facts()["reserved"]
        for key, term in (("one_month", "1 month"), ("three_months", "3 months"))
    )


@cache
def distillation_pairs() -> tuple[DistillationPair, ...]:
    """The pairs that are possible today."""
    return tuple(
        DistillationPair(
            row["teacher"], row["student"], row["job_id"], row["region"],
            Decimal(row["training"]) if "training" in row else None,
            Decimal(row["custom_input"]), Decimal(row["custom_output"]), _sources()[row["source"]], row.get("note", ""),
        )
        for row in _facts()["distillation"]
    )  # fmt: skip


def not_distilled() -> str:
    """Which models no job distills, in a sentence."""
    return _facts()["distillation_besides"]["says"]


@cache
def _prices() -> Mapping[str, Mapping[str, LeverPrice]]:
    return {
        lever: {
            row["name"]: LeverPrice(
                row["name"], row["what"], Decimal(row["usd"]), row["per"], row["unit"], _sources()[row["source"]],
                row.get("note", ""),
            )
            for row in _facts()[lever]
        }
        for lever in ("guardrail", "server_tool", "agent")
    }  # fmt: skip


@cache
def _sources() -> Mapping[str, Source]:
    return {key: Source(key, row["title"], row["url"], row["checked_on"]) for key, row in _facts()["sources"].items()}


_facts = partial(packaged, "catalog", "levers")
