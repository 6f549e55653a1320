"""rockbottom beside the placement by hand that suits a shape: one line a kind, the bills of all seeds added up."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.placement.billing import Engine
from benchmarks.placement.blocks import MODEL, BlockLane, Multiples
from benchmarks.placement.fixed import RULES, Sightings
from benchmarks.placement.online import OnlineBlocks
from benchmarks.placement.shapes import Shape, shape_of


@dataclass(frozen=True, slots=True)
class ShapeLine:
    """A kind of traffic: cost relative to no caching by hand and of rockbottom, and the most it may be."""

    name: str
    by_hand: str
    hand: float
    rockbottom: float
    most: float
    worst_seed: float  # the largest ratio to the placement by hand of any seed
    rejected: int

    @property
    def met(self) -> bool:
        """Whether rockbottom costs at most so much."""
        return self.rockbottom <= self.most and not self.rejected


def shape_line(kind: str, engine: Engine, seeds: int, model: str = MODEL) -> ShapeLine:
    """One kind, at the rules and prices of a model."""
    multiples = Multiples.of(engine, model)
    hand = paid = none = rejected = 0
    ratios: list[float] = []
    for seed in range(1, seeds + 1):
        shape = shape_of(kind, seed)
        online = OnlineBlocks(engine, BlockLane(multiples), model)
        online.send_all(shape.requests, shape.latency)
        by_rule = _by_hand(shape, multiples)
        ratios.append(online.lane.bill.paid / by_rule.bill.paid)
        hand, paid, none = hand + by_rule.bill.paid, paid + online.lane.bill.paid, none + by_rule.bill.none
        rejected += online.lane.bill.rejected
    return ShapeLine(kind, shape.by_hand, hand / none, paid / none, hand / none * shape.factor, max(ratios), rejected)


def _by_hand(shape: Shape, multiples: Multiples) -> BlockLane:
    lane, sightings = BlockLane(multiples), Sightings()
    for request in shape.requests:
        lane.send(request, RULES[shape.by_hand](request, sightings.seen(request)))
    return lane


def shape_table(lines: Sequence[ShapeLine]) -> Iterable[str]:
    """One line a kind."""
    if not lines:
        return
    yield f"{'':13}{'by hand':<20}{'costs':>7}{'rockb.':>8}{'ratio':>7}{'worst seed':>12}{'at most':>9}  met"
    for line in lines:
        ratio, met = line.rockbottom / line.hand, "yes" if line.met else "NO"
        yield (
            f"{line.name:<13}{line.by_hand:<20}{line.hand:>7.3f}{line.rockbottom:>8.3f}{ratio:>7.3f}"
            f"{line.worst_seed:>12.3f}{line.most:>9.3f}  {met}"
        )


def shapes_as_json(lines: Sequence[ShapeLine]) -> list[dict[str, Any]]:
    """Everything as plain values."""
    return [asdict(line) for line in lines]
