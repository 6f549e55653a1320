"""Distillation of a large model into a small one: whether it pays, the data, the job, its deployment, the end of both.

Needs boto3 (the extra ``aws``) once something is sent; data and costs do not.
"""

from rockbottom.distill.costs import DISTILLED, CallTokens, DistillationCost, distillation_cost, pair_of
from rockbottom.distill.data import TrainingData, training_data
from rockbottom.distill.errors import JobEnded, NoSuchJob, NoSuchPair, UnfitData
from rockbottom.distill.jobs import DistillationJob, begin, deploy, look, made_by, remove, stop, wait

__all__ = [
    "DISTILLED",
    "CallTokens",
    "DistillationCost",
    "DistillationJob",
    "JobEnded",
    "NoSuchJob",
    "NoSuchPair",
    "TrainingData",
    "UnfitData",
    "begin",
    "deploy",
    "distillation_cost",
    "look",
    "made_by",
    "pair_of",
    "remove",
    "stop",
    "training_data",
    "wait",
]
