"""Two versions of the instructions in turn within one conversation, as while a deploy rolls over a fleet.

Each version has entries of its own, so every switch writes again what the other one had: more than the difference from
the latest request of the same version, which is what a comparison with the closest request sees.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rockbottom.diagnose.sent import Sent
from rockbottom.prompt import Section, Segment

_Key = tuple[str, str, bytes]


class VersionSwitch(NamedTuple):
    """A request whose instructions are another version than those of the turn before it; both by their numbers.

    ``tokens`` are those of the instructions and of the messages that the two have in common.
    """

    number: int
    earlier: int
    tokens: int
    versions: int


class _Turn(NamedTuple):
    number: int
    version: bytes
    messages: tuple[bytes, ...]
    answered: bool


@dataclass(slots=True)
class Deploys:
    """Follows conversations by their messages alone, whatever stands before these."""

    _turns: dict[_Key, list[_Turn]] = field(default_factory=dict[_Key, list[_Turn]])
    _switches: dict[_Key, list[tuple[VersionSwitch, bytes]]] = field(
        default_factory=dict[_Key, list[tuple[VersionSwitch, bytes]]]
    )

    def note(self, sent: Sent, number: int) -> None:
        """Remember a request, and whether it switched."""
        stable = sum(segment.section is not Section.MESSAGES for segment in sent.segments)
        messages = sent.segments[stable:]
        if not stable or not messages:
            return
        key = sent.record.account, sent.model.model.id, messages[0].digest
        digests = tuple(segment.digest for segment in messages)
        turns = self._turns.setdefault(key, [])
        version = sent.content[stable]
        continued = (turn for turn in turns if digests[: len(turn.messages)] == turn.messages)
        before = max(continued, key=lambda turn: (len(turn.messages), turn.version == version), default=None)
        if before is not None and before.version != version and len(digests) > len(before.messages):
            tokens = sent.prompt.depths[stable + len(before.messages)]
            switch = VersionSwitch(number, before.number, tokens, 0)
            self._switches.setdefault(key, []).append((switch, version))
        turns.append(_Turn(number, version, digests, _is_answered(messages)))

    def switches(self) -> Iterator[VersionSwitch]:
        """Those of conversations that came back to a version they had left, at turns that had been answered."""
        for key, switches in self._switches.items():
            turns = self._turns[key]
            versions = {turn.version for turn in turns}
            answered = any(turn.answered for turn in turns)
            if answered and len(switches) >= 2 and 1 < len(versions) <= len(switches):
                for switch, _ in switches:
                    yield switch._replace(versions=len(versions))


def _is_answered(messages: tuple[Segment, ...]) -> bool:
    return any(segment.role == "assistant" for segment in messages)
