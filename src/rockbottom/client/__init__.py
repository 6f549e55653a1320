"""The planner on a live client: a call is planned, sent, priced and learned from; all else passes through untouched."""

from typing import TYPE_CHECKING

from rockbottom.client.arguments import Recording
from rockbottom.client.attach import attach, attachment_of, detach, report
from rockbottom.client.attachment import Attachment
from rockbottom.client.botocore_hooks import about_points
from rockbottom.client.calls import Call
from rockbottom.client.errors import AlreadyAttached, NotAttachable, NotAttached
from rockbottom.client.holdout import Holdout
from rockbottom.client.recording import Recorder
from rockbottom.client.reporting import Line, Report
from rockbottom.client.saved_facts import saved_facts_path, with_saved_facts
from rockbottom.client.tagging import tag_from_here, tagged, with_project
from rockbottom.client.whereabouts import Whereabouts, whereabouts_of
from rockbottom.faces import late

if TYPE_CHECKING:  # of whole programs, gateways and httpx; a client of boto3 needs none of it
    from rockbottom.client.carrying import Carriage, Watched, carrier, equip, watched
    from rockbottom.client.counting import counts_nothing, with_usage
    from rockbottom.client.everyone import Everyone
    from rockbottom.client.httpx_clients import goes_to_bedrock
    from rockbottom.client.signing import remember_key
    from rockbottom.client.summing import report_of

__all__ = [
    "AlreadyAttached",
    "Attachment",
    "Call",
    "Carriage",
    "Everyone",
    "Holdout",
    "Line",
    "NotAttachable",
    "NotAttached",
    "Recorder",
    "Recording",
    "Report",
    "Watched",
    "Whereabouts",
    "about_points",
    "attach",
    "attachment_of",
    "carrier",
    "counts_nothing",
    "detach",
    "equip",
    "goes_to_bedrock",
    "remember_key",
    "report",
    "report_of",
    "saved_facts_path",
    "tag_from_here",
    "tagged",
    "watched",
    "whereabouts_of",
    "with_project",
    "with_saved_facts",
    "with_usage",
]

_HOMES = {
    "carrying": "Carriage Watched carrier equip watched",
    "counting": "counts_nothing with_usage",
    "everyone": "Everyone",
    "httpx_clients": "goes_to_bedrock",
    "signing": "remember_key",
    "summing": "report_of",
}

__getattr__ = late(__name__, _HOMES)
