"""Which lever each workload should pull, and what each would save. Pure arithmetic; no call is made."""

from rockbottom.advise.advice import Advice, Rival, Wait, Wishes, advise
from rockbottom.advise.bills import Bill, Line, Tariff
from rockbottom.advise.documents import advice_document, document_of
from rockbottom.advise.errors import AdviseError, ImpossibleShape, UnknownPreset, UnreadableRun
from rockbottom.advise.estimates import Estimate, Question, Result, estimate
from rockbottom.advise.evidence import Evidence, Lever, bench_results, of_bench, of_question, of_replay, of_replays
from rockbottom.advise.presets import Preset, preset, presets
from rockbottom.advise.shapes import Layer, Shape, Traffic
from rockbottom.advise.sweeps import Sweep, sweep

__all__ = [
    "Advice",
    "AdviseError",
    "Bill",
    "Estimate",
    "Evidence",
    "ImpossibleShape",
    "Layer",
    "Lever",
    "Line",
    "Preset",
    "Question",
    "Result",
    "Rival",
    "Shape",
    "Sweep",
    "Tariff",
    "Traffic",
    "UnknownPreset",
    "UnreadableRun",
    "Wait",
    "Wishes",
    "advice_document",
    "advise",
    "bench_results",
    "document_of",
    "estimate",
    "of_bench",
    "of_question",
    "of_replay",
    "of_replays",
    "preset",
    "presets",
    "sweep",
]
