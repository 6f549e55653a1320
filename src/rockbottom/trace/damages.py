"""What of a source could not be read, or was left out, and where it stands."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rockbottom.quantities import Undecodable

KEPT_DAMAGES = 100


@dataclass(frozen=True, slots=True)
class Damage:
    """One line that could not be read: where it stands and what is wrong with it."""

    place: str
    why: str


@dataclass(slots=True)
class Damages:
    """Collects damage: all of it counted, the first hundred located."""

    count: int = 0
    first: list[Damage] = field(default_factory=list[Damage])
    failed: int = 0  # calls that the service refused: they cost nothing and are left out
    stopped: int = 0  # calls counted at no token: no model saw them, as where a guardrail stops a prompt; left out
    simulated: int = 0  # calls that went to a local endpoint
    respelled: int = 0  # records with bytes that are no UTF-8, read as Windows-1252
    repeated: int = 0  # lines of a writer that tells of one request in several
    elsewhere: int = 0  # requests to another service than Bedrock
    unfinished: int = 0  # last lines of a ledger without an end: being written now, or cut off

    def add(self, place: str, why: str) -> None:
        self.count += 1
        if len(self.first) < KEPT_DAMAGES:
            self.first.append(Damage(place, why))

    @contextmanager
    def of(self, place: str) -> Generator[None]:
        """What cannot be decoded in the block is damage at this place."""
        try:
            yield
        except Undecodable as error:
            self.add(place, str(error))

    def extend(self, other: "Damages") -> None:
        """The damage of another part as well."""
        self.count += other.count
        self.failed += other.failed
        self.stopped += other.stopped
        self.simulated += other.simulated
        self.respelled += other.respelled
        self.repeated += other.repeated
        self.elsewhere += other.elsewhere
        self.unfinished += other.unfinished
        self.first.extend(other.first[: KEPT_DAMAGES - len(self.first)])
