"""Which conversations are left unplanned, so that what planning saves is measured on one's own traffic."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b

from rockbottom.client.errors import NotAttachable
from rockbottom.cost import GROUPS, Arm
from rockbottom.dialects import Request

_BYTES = 8
_LONGEST_SALT = 64


@dataclass(frozen=True, slots=True)
class Holdout:
    """The calls of this share of the conversations are sent as they were written.

    Chance is in ``salt``: with the same one a conversation falls to the same side in every process and at every time,
    with another one the conversations are dealt anew. A conversation is known by its tools, its system prompt and its
    first message. Raises NotAttachable where ``share`` is not between 0 and 1.
    """

    share: Decimal
    salt: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise NotAttachable(
                f"holdout={self.share} is not a share of conversations.", fix="holdout=0.02 leaves out 2%"
            )

    def arm(self, request: Request) -> Arm:
        """The arm of a request's conversation."""
        key = self.salt.encode("utf-8", "surrogatepass")[:_LONGEST_SALT]
        dealt = int.from_bytes(blake2b(_beginning(request), key=key, digest_size=_BYTES).digest())
        place, group = divmod(dealt, GROUPS)
        return Arm(place * GROUPS < self.share * 256**_BYTES, group)


def holdout_of(holdout: "Holdout | float | Decimal | str | None") -> Holdout | None:
    """A holdout as ``attach`` was given it; None where nothing is held out. Raises NotAttachable."""
    if isinstance(holdout, Holdout) or holdout is None:
        chosen = holdout
    else:
        try:
            chosen = Holdout(Decimal(str(holdout)))
        except InvalidOperation as error:
            raise NotAttachable(f"holdout={holdout!r} is not a number.", fix="holdout=0.02 leaves out 2%") from error
    return chosen if chosen is not None and chosen.share else None


def _beginning(request: Request) -> bytes:
    """What the calls of one conversation have in common: tools, system and first message."""
    segments, end = request.prompt.segments, request.stable
    if end < len(segments):
        first = segments[end].message
        while end < len(segments) and segments[end].message == first:
            end += 1
    return b"".join([segment.digest for segment in segments[:end]])
