"""What every step of a run stands on: its folder, its journal and what the journal says, AWS, and who is told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rockbottom.batch.cloud import Cloud
from rockbottom.batch.job_service import JobService, job_service
from rockbottom.batch.journal import Journal
from rockbottom.batch.limits import BatchLimits
from rockbottom.batch.state import RunSettings, RunState, state_of


class BatchWatcher(Protocol):
    """Told what happens, for a progress bar or a log."""

    def uploading(self, done: int, total: int) -> None:
        """Bytes of the attempt that are in S3."""
        ...

    def note(self, text: str) -> None:
        """One sentence for a person."""
        ...


class Silent:
    """A watcher that tells nobody, for programs that ask for the outcome only."""

    def uploading(self, done: int, total: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@dataclass(slots=True)
class Ground:
    """One run as its journal tells it. Open the journal first; every event is written down before it is taken in."""

    folder: Path
    journal: Journal
    limits: BatchLimits
    cloud: Cloud
    watcher: BatchWatcher = field(default_factory=Silent)
    state: RunState = field(init=False)

    def __post_init__(self) -> None:
        self.state = state_of(self.journal.events, self.journal.path)

    @property
    def settings(self) -> RunSettings:
        """Its settings; it must have been created."""
        assert self.state.settings is not None
        return self.state.settings

    @property
    def service(self) -> JobService:
        """Who makes its jobs and tells of them."""
        return job_service(self.cloud, self.settings)

    def digest_of(self, attempt: int) -> str:
        """The digest of the records of one attempt."""
        return next(
            event["digest"]
            for event in self.journal.events
            if event["event"] == "planned" and event["attempt"] == attempt
        )

    def note_event(self, name: str, /, **members: Any) -> None:
        """Write one event down and take it in."""
        self.state.apply(self.journal.append(name, **members))
