"""Model invocation logs that went through CloudWatch Logs: exported, printed, queried, or delivered by a subscription.

An export task writes lines ``<instant> <record>``, as ``aws logs tail`` does; ``filter-log-events``,
``get-log-events`` and ``get-query-results`` print one JSON document; the console saves JSON or CSV; Firehose delivers
envelopes of events. Bodies over 100 KB went to S3 and are read where they were copied beside the export.
"""

from pathlib import Path

from rockbottom.trace.envelopes import is_packed
from rockbottom.trace.formats import bedrock_logs
from rockbottom.trace.invocations import invocations_of
from rockbottom.trace.reading import LogReader
from rockbottom.trace.sources import log_names
from rockbottom.trace.tables import header_of

_HOLDERS = (b'"events"', b'"results"', b'"logEvents"', b'"@message"', b'"message"', b'"field"')


def _recognises(path: Path, head: bytes) -> bool:
    line, _, rest = head.partition(b"\n")
    if head.lstrip()[:1] in (b"{", b"["):
        if is_packed(head):
            return True
        return b"odelI" in head and b'"traceId"' not in head and any(name in head[:8192] for name in _HOLDERS)
    return header_of(line, rest.partition(b"\n")[0]) is not None or (
        b"ModelInvocationLog" in head and line[:4].isdigit()
    )


READER = LogReader(
    "cloudwatch", "the same out of CloudWatch Logs: exports, what aws logs prints, CSV, Firehose, Athena", _recognises,
    log_names, bedrock_logs.read, invocations_of,
)  # fmt: skip
