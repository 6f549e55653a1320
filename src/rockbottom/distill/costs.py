"""What a distillation costs before it is begun, and when it is paid back, against what is free to try.

Teacher calls are billed at the teacher's on-demand price, training by trained token and epoch, the student's storage by
the month whether it is used or not (AWS, Bedrock pricing; the sources are those of the pair). A distilled student is
billed as its base on demand, and has no batch: beside it stand the undistilled student, batch, flex, a cached teacher.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rockbottom.catalog import (
    Catalog,
    DistillationPair,
    NoPriceInForce,
    PriceBook,
    Tier,
    distillation_pairs,
    prices_of,
)
from rockbottom.distill.errors import NoSuchPair
from rockbottom.quantities import Unit, Usd

_MTOK = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class CallTokens:
    """Tokens of one call: all input, of which ``shared`` is the same in every one, and output."""

    input: Decimal
    output: Decimal
    shared: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class WayCost:
    """One way to answer the same calls: what a call and a month of them cost; ``fixed_usd`` a month is in it."""

    name: str
    usd_call: Usd
    usd_month: Usd
    fixed_usd: Usd = Decimal(0)


@dataclass(frozen=True, slots=True)
class DistillationCost:
    """``training_usd`` is None where no price of training this student was read; ``ways`` begins with the teacher.

    ``calls_to_pay_back`` is against the teacher on demand; None where a call saves nothing, or training is unpriced.
    """

    pair: DistillationPair
    teacher_usd: Usd
    training_usd: Usd | None
    storage_usd: Usd
    ways: tuple[WayCost, ...]
    calls_to_pay_back: Decimal | None
    calls_to_pay_storage: Decimal | None

    @property
    def once_usd(self) -> Usd | None:
        """The teacher's answers and the training; None where the training has no known price."""
        return None if self.training_usd is None else self.teacher_usd + self.training_usd

    @property
    def cheaper(self) -> tuple[WayCost, ...]:
        """The ways that need no training and cost no more in a month than the distilled student."""
        distilled = next(way for way in self.ways if way.name == DISTILLED)
        return tuple(way for way in self.ways if way.name != DISTILLED and way.usd_month <= distilled.usd_month)


DISTILLED = "distilled student"


def pair_of(teacher: str, student: str, catalog: Catalog) -> DistillationPair:
    """The pair of two models, however they are spelled. Raises NoSuchPair, CatalogError."""
    ids = catalog.model(teacher).model.id, catalog.model(student).model.id
    for pair in distillation_pairs():
        if (pair.teacher, pair.student) == ids:
            return pair
    known = "; ".join(f"{pair.teacher} to {pair.student}" for pair in distillation_pairs())
    raise NoSuchPair(
        f"Bedrock does not distil {ids[0]} into {ids[1]} today; it can distil {known}.",
        fix="rockbottom distill pairs",
    )


def distillation_cost(
    pair: DistillationPair, call: CallTokens, *, records: int, epochs: int, month: Decimal, from_logs: bool, on: date,
    catalog: Catalog, book: PriceBook,
) -> DistillationCost:  # fmt: skip
    """The bill of a distillation and the month after it. Raises NoPriceInForce where the teacher has no price."""
    prices = _Prices(pair, on, catalog, book)
    teacher = prices.call(pair.teacher, Tier.DEFAULT, call)
    trained = records * (call.input + call.output) * epochs
    training = None if pair.training is None else trained * pair.training / _MTOK
    storage = prices_of("agent")["custom_models"].of(1)
    distilled = (call.input * pair.custom_input + call.output * pair.custom_output) / _MTOK
    ways = [WayCost("teacher", teacher, teacher * month), *prices.others(call, month)]
    ways.append(WayCost(DISTILLED, distilled, distilled * month + storage, storage))
    saved, labelling = teacher - distilled, Decimal(0) if from_logs else teacher * records
    once = None if training is None else labelling + training
    pays = saved > 0
    return DistillationCost(
        pair, labelling, training, storage, tuple(ways), once / saved if pays and once is not None else None,
        storage / saved if pays else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Prices:
    pair: DistillationPair
    on: date
    catalog: Catalog
    book: PriceBook

    def others(self, call: CallTokens, month: Decimal) -> Iterator[WayCost]:
        """The ways that need no training and have a price."""
        for name, model, tier, cached in (
            ("teacher, cached", self.pair.teacher, Tier.DEFAULT, True),
            ("teacher in batch", self.pair.teacher, Tier.BATCH, False),
            ("teacher on flex", self.pair.teacher, Tier.FLEX, False),
            ("student as it is", self.pair.student, Tier.DEFAULT, False),
            ("student in batch", self.pair.student, Tier.BATCH, False),
        ):
            if cached and not call.shared:
                continue
            try:
                usd = self.call(model, tier, call, cached=cached)
            except NoPriceInForce:
                continue
            yield WayCost(name, usd, usd * month)

    def call(self, model: str, tier: Tier, call: CallTokens, *, cached: bool = False) -> Usd:
        """One call in the pair's Region; cached: what is shared is read."""
        read = call.shared if cached else Decimal(0)
        model_id = self.catalog.model(model)
        units = {Unit.INPUT: call.input - read, Unit.OUTPUT: call.output, Unit.CACHE_READ: read}
        price = self.book.price
        total = Decimal(0)
        for unit, amount in units.items():
            if amount:
                row = price(model_id.model.id, model_id.scope, tier, unit, self.on, 0, self.pair.region)
                total += amount * row.usd_per_mtok
        return total / _MTOK
