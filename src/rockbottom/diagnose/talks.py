"""What names the conversation that a request belongs to."""

from collections.abc import Iterable

from rockbottom.diagnose.findings import Finding
from rockbottom.diagnose.sent import Sent
from rockbottom.prompt import Section


def front_of(sent: Sent) -> int:
    """How many blocks tools and instructions have."""
    return sum(segment.section is not Section.MESSAGES for segment in sent.prompt.segments)


def talk_of(sent: Sent) -> tuple[str, str, bytes]:
    """What names a conversation whatever stands before its messages: the first of them."""
    segments, front = sent.segments, front_of(sent)
    return sent.record.account, sent.model.model.id, segments[front].digest if front < len(segments) else b""


def root_of(sent: Sent) -> bytes:
    """What names a conversation: the prefix up to its first message block, volatile spans masked."""
    first = sum(segment.section is not Section.MESSAGES for segment in sent.prompt.segments)
    return sent.masks[min(first + 1, len(sent.masks) - 1)]


def roots_of(findings: Iterable[Finding]) -> set[bytes]:
    """The names of the conversations that findings are about."""
    pairs = ((finding.sent, finding.earlier) for finding in findings)
    return {root_of(sent) for pair in pairs for sent in pair if sent is not None}
