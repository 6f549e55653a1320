"""The plan applied to a live client: apply, call, price, learn; everything else passes through untouched."""

from rockbottom.client.arguments import Recording
from rockbottom.client.attach import attach, attachment_of, detach, report
from rockbottom.client.attachment import Attachment
from rockbottom.client.errors import AlreadyAttached, NotAttachable, NotAttached, ProbeStopped
from rockbottom.client.planning import Plan, Planner
from rockbottom.client.recording import SpendingLimit
from rockbottom.client.reporting import Line, Report
from rockbottom.client.tagging import tagged

__all__ = [
    "AlreadyAttached",
    "Attachment",
    "Line",
    "NotAttachable",
    "NotAttached",
    "Plan",
    "Planner",
    "ProbeStopped",
    "Recording",
    "Report",
    "SpendingLimit",
    "attach",
    "attachment_of",
    "detach",
    "report",
    "tagged",
]
