"""Which lever each workload should pull, and what each would save. Pure arithmetic; no call is made."""

from rockbottom.advise.advice import Advice, Rival, Wait, Wishes, advise
from rockbottom.advise.bills import Bill, Line, Tariff
from rockbottom.advise.documents import advice_document, document_of, preset_document, priced_preset
from rockbottom.advise.errors import AdviseError, ImpossibleShape, UnknownPreset, UnreadableRun
from rockbottom.advise.estimates import Estimate, Question, Result, estimate
from rockbottom.advise.evidence import Evidence, Lever, bench_results, of_bench, of_question, of_replays, replay_results
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
    ShapeResult,
    SweepResult,
    UnpricedWay,
    WayResult,
)
from rockbottom.advise.shapes import Layer, Shape, Traffic
from rockbottom.advise.sweeps import Sweep, sweep

__all__ = [
    "Advice",
    "AdviceResult",
    "AdviseError",
    "Bill",
    "BreakEvenResult",
    "ContestedPriceResult",
    "CreditResult",
    "Estimate",
    "EstimateResult",
    "Evidence",
    "ImpossibleShape",
    "Layer",
    "Lever",
    "LeverResult",
    "Line",
    "Preset",
    "PresetResult",
    "PresetsResult",
    "PricedPreset",
    "Question",
    "Result",
    "Rival",
    "Shape",
    "ShapeResult",
    "Sweep",
    "SweepResult",
    "Tariff",
    "Traffic",
    "UnknownPreset",
    "UnpricedWay",
    "UnreadableRun",
    "Wait",
    "WayResult",
    "Wishes",
    "advice_document",
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
    "priced_preset",
    "replay_results",
    "sweep",
]
