"""Which lever each workload should pull, and what each would save. Pure arithmetic; no call is made."""

from rockbottom.advise.advice import Advice, advise
from rockbottom.advise.bills import Bill, Line, Tariff
from rockbottom.advise.documents import document_of, preset_document, price_row, priced_preset
from rockbottom.advise.errors import AdviseError, ImpossibleShape, UnknownPreset, UnreadableRun
from rockbottom.advise.estimates import Estimate, Question, Result, estimate
from rockbottom.advise.evidence import Evidence, Lever, bench_results, of_bench, of_question, of_replays, replay_results
from rockbottom.advise.grounds import (
    CachedShare,
    Globally,
    InBatch,
    ModelUnits,
    NoSpare,
    OnFlex,
    OtherModel,
    UnderBar,
    Why,
)
from rockbottom.advise.presets import Preset, preset, presets
from rockbottom.advise.results import (
    AdviceResult,
    BreakEvenResult,
    ContestedPriceResult,
    CreditResult,
    EstimateResult,
    LeverResult,
    PresetResult,
    PresetsResult,
    PricedPreset,
    SendResult,
    ShapeResult,
    SweepResult,
    UnpricedWay,
    WayResult,
)
from rockbottom.advise.rows import Row
from rockbottom.advise.shapes import Layer, Shape, Traffic
from rockbottom.advise.sweeps import Sweep, sweep
from rockbottom.advise.wishes import Rival, Wait, Wishes

__all__ = [
    "Advice",
    "AdviceResult",
    "AdviseError",
    "Bill",
    "BreakEvenResult",
    "CachedShare",
    "ContestedPriceResult",
    "CreditResult",
    "Estimate",
    "EstimateResult",
    "Evidence",
    "Globally",
    "ImpossibleShape",
    "InBatch",
    "Layer",
    "Lever",
    "LeverResult",
    "Line",
    "ModelUnits",
    "NoSpare",
    "OnFlex",
    "OtherModel",
    "Preset",
    "PresetResult",
    "PresetsResult",
    "PricedPreset",
    "Question",
    "Result",
    "Rival",
    "Row",
    "SendResult",
    "Shape",
    "ShapeResult",
    "Sweep",
    "SweepResult",
    "Tariff",
    "Traffic",
    "UnderBar",
    "UnknownPreset",
    "UnpricedWay",
    "UnreadableRun",
    "Wait",
    "WayResult",
    "Why",
    "Wishes",
    "advise",
    "bench_results",
    "document_of",
    "estimate",
    "of_bench",
    "of_question",
    "of_replays",
    "preset",
    "preset_document",
    "presets",
    "price_row",
    "priced_preset",
    "replay_results",
    "sweep",
]
