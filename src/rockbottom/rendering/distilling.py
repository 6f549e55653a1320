"""A distillation before it is begun: what it costs, when it pays, and the honest verdict."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from rockbottom.catalog import DistillationPair, limit, not_distilled
from rockbottom.distill import DISTILLED, DistillationCost, TrainingData
from rockbottom.figures import Cell, Column, Paint, counted, paragraph, table, usd
from rockbottom.quantities import Usd


class WayOut(msgspec.Struct, frozen=True):
    """One way to answer the calls."""

    name: str
    usd_call: Usd
    usd_month: Usd


class PairOut(msgspec.Struct, frozen=True):
    """A pair that Bedrock distils today; ``training_usd`` is per million tokens and epoch, None where none was read."""

    teacher: str
    student: str
    region: str
    training_usd: Usd | None
    source: str


class DistillationOut(msgspec.Struct, frozen=True, kw_only=True):
    """The typed result of ``rockbottom distill cost``; None where a price is not known."""

    schema: str
    teacher: str
    student: str
    teacher_usd: Usd
    training_usd: Usd | None
    once_usd: Usd | None
    storage_usd_month: Usd
    ways: tuple[WayOut, ...]
    calls_to_pay_back: Decimal | None
    calls_to_pay_storage: Decimal | None
    verdict: str
    source: str
    note: str


def distillation_document(cost: DistillationCost) -> DistillationOut:
    return DistillationOut(
        schema="rockbottom.distillation/1", teacher=cost.pair.teacher, student=cost.pair.student,
        teacher_usd=cost.teacher_usd, training_usd=cost.training_usd, once_usd=cost.once_usd,
        storage_usd_month=cost.storage_usd,
        ways=tuple(WayOut(way.name, way.usd_call, way.usd_month) for way in cost.ways),
        calls_to_pay_back=_whole(cost.calls_to_pay_back), calls_to_pay_storage=_whole(cost.calls_to_pay_storage),
        verdict=_verdict(cost), source=cost.pair.source.title, note=cost.pair.note,
    )  # fmt: skip


def distillation_text(document: DistillationOut, *, width: int = 80, colour: bool = False) -> Iterator[str]:
    """The verdict first, then what is paid once and every month."""
    yield from paragraph(document.verdict, width, "", "  ")
    yield ""
    once = [("teacher answers the prompts", document.teacher_usd), ("training", document.training_usd)]
    for name, amount in (*once, ("once", document.once_usd), ("storage a month", document.storage_usd_month)):
        yield f" {name:<30}{'price not read' if amount is None else '$' + usd(amount, 2):>16}"
    yield ""
    columns = [Column("way", right=False, wide=True), Column("$/1,000 calls"), Column("$/month")]
    rows = [[Cell(way.name), Cell(usd(way.usd_call * 1000, 4)), Cell(usd(way.usd_month, 2))] for way in document.ways]
    yield from table(columns, rows, width, Paint(colour))
    yield ""
    if document.calls_to_pay_back is not None:
        yield f" paid back against the teacher after {document.calls_to_pay_back:,.0f} calls"
    if document.calls_to_pay_storage is not None:
        yield f" {document.calls_to_pay_storage:,.0f} calls a month pay the storage"
    for text in (document.note, "quality: rockbottom bench --grade on the same questions"):
        yield from paragraph(text, width, " ", "   ")


def pairs_document(pairs: Sequence[DistillationPair]) -> list[PairOut]:
    return [PairOut(pair.teacher, pair.student, pair.region, pair.training, pair.source.title) for pair in pairs]


def pairs_text(pairs: Sequence[DistillationPair]) -> Iterator[str]:
    """The pairs that are possible today."""
    for pair in pairs:
        priced = (
            "no price of training was read" if pair.training is None else f"training ${usd(pair.training, 2)} per MTok"
        )
        yield f"{pair.teacher} -> {pair.student}  {pair.region}, {priced}"
    yield not_distilled()


def training_text(data: TrainingData, out: str) -> Iterator[str]:
    """What came of reading prompts."""
    answers = f"{data.labelled:,} with their answer"
    least, most = limit("distillation_prompts_least"), limit("distillation_prompts_most")
    yield f"{counted(len(data.records), 'prompt')} in {out}, {answers} (a job takes {least} to {most:,})"
    for reason, count in data.reasons.items():
        yield f"  {count:,} left out: {reason}"


def _verdict(cost: DistillationCost) -> str:
    free = next((way for way in cost.ways if way.name == "student as it is"), None)
    distilled = next(way for way in cost.ways if way.name == DISTILLED)
    others = [way for way in cost.cheaper if way.name.startswith("teacher")]
    advice = ""
    if free is not None and free.usd_month <= distilled.usd_month:
        advice = (
            f"Try the student as it is first: it costs ${usd(free.usd_month, 2)} a month against "
            f"${usd(distilled.usd_month, 2)} distilled, and needs no training. "
        )
    if others:
        return f"{advice}The {others[0].name} costs no more either, and needs no training."
    if cost.calls_to_pay_back is None:
        return f"{advice}Whether training pays is not known: no price of it was read, or a call saves nothing."
    calls = f"{cost.calls_to_pay_back:,.0f}"
    return f"{advice}If its answers are not good enough and the teacher's are, distilling pays after {calls} calls."


def _whole(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(Decimal(1))
