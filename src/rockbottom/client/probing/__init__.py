"""Asks the service where nobody knows: small experiments on the user's own account, priced beforehand."""

from rockbottom.client.probing.estimate import Estimate, estimate
from rockbottom.client.probing.facts import write_facts
from rockbottom.client.probing.laboratory import Experiment, LocalService, RealService, Service, run
from rockbottom.client.probing.questions import QUESTIONS, Subject, findings_of
from rockbottom.client.probing.steps import Finding, Reply, Send, Wait

__all__ = [
    "QUESTIONS",
    "Estimate",
    "Experiment",
    "Finding",
    "LocalService",
    "RealService",
    "Reply",
    "Send",
    "Service",
    "Subject",
    "Wait",
    "estimate",
    "findings_of",
    "run",
    "write_facts",
]
