"""Which lever each workload should pull, and what each would save. Pure arithmetic; no call is made."""

from rockbottom.advise.bills import Bill, Line, Tariff
from rockbottom.advise.documents import document_of
from rockbottom.advise.errors import AdviseError, ImpossibleShape, UnknownPreset, UnreadableRun
from rockbottom.advise.estimates import Estimate, Question, Result, estimate
from rockbottom.advise.presets import Preset, preset, presets
from rockbottom.advise.shapes import Layer, Shape, Traffic
from rockbottom.advise.sweeps import Sweep, sweep

__all__ = [
    "AdviseError",
    "Bill",
    "Estimate",
    "ImpossibleShape",
    "Layer",
    "Line",
    "Preset",
    "Question",
    "Result",
    "Shape",
    "Sweep",
    "Tariff",
    "Traffic",
    "UnknownPreset",
    "UnreadableRun",
    "document_of",
    "estimate",
    "preset",
    "presets",
    "sweep",
]
