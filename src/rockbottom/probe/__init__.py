"""Experiments on the user's own account that measure what no source states; each is priced before it is sent."""

from rockbottom.probe.errors import ProbeStopped
from rockbottom.probe.estimate import ProbeEstimate, estimate
from rockbottom.probe.facts import write_facts
from rockbottom.probe.laboratory import Experiment, LocalService, RealService, Service, run
from rockbottom.probe.questions import ALL_QUESTIONS, findings_of
from rockbottom.probe.steps import ProbeAnswer
from rockbottom.probe.subject import ProbedModel

__all__ = [
    "ALL_QUESTIONS",
    "Experiment",
    "LocalService",
    "ProbeAnswer",
    "ProbeEstimate",
    "ProbeStopped",
    "ProbedModel",
    "RealService",
    "Service",
    "estimate",
    "findings_of",
    "run",
    "write_facts",
]
