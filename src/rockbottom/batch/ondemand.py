"""A run whose records are sent on demand with caching instead of through jobs: the same file, the same results.

The planner places the points, a pace holds to the quota, and a run that was killed goes on with what has no answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rockbottom.batch.api import Prepared
from rockbottom.batch.errors import NotAgreed
from rockbottom.batch.outcomes import Outcome
from rockbottom.batch.pacing import RequestPace
from rockbottom.batch.pricing import ways_of
from rockbottom.batch.rejoining import Rejoin
from rockbottom.batch.results import summary_of
from rockbottom.batch.sending import Clock, Sender, Told, whole_lines
from rockbottom.batch.spending import Limit
from rockbottom.batch.spool import ordinals_of
from rockbottom.dialects import usage_of
from rockbottom.plan import Planner
from rockbottom.quantities import Usage, Usd

ANSWERS = "answers.jsonl"


@dataclass(slots=True)
class OnDemand:
    """A run prepared with ``on_demand``. ``clock`` gives seconds since the epoch; ``max_usd`` is what may be spent."""

    prepared: Prepared
    clock: Clock
    pace: RequestPace = field(default_factory=RequestPace)
    at_once: int = 1
    max_usd: Usd | None = None

    def send(self, on_progress: Told = lambda done, total: None) -> Outcome:
        """Send every record that has no answer yet, and write the results. Raises BatchError; answers stay."""
        run = self.prepared.run
        if run.state.agreed_usd is None:
            raise NotAgreed(
                "Nobody has agreed to the estimate of this run yet.", fix="rockbottom batch run --on-demand asks"
            )
        answers = run.folder / ANSWERS
        sent = {str(row["recordId"]) for row in whole_lines(answers)} if answers.exists() else set[str]()
        planner = Planner(catalog=self.prepared.catalog)
        sender = Sender(
            run.cloud, planner, run.settings.model, run.settings.kind, self.clock, self.pace, max(1, self.at_once),
            None if self.max_usd is None else self._limit(self.max_usd),
        )  # fmt: skip
        before = len(sent)
        sender.send(self._left(sent), answers, lambda done: on_progress(before + done, run.state.records))
        return self._outcome()

    def _limit(self, max_usd: Usd) -> Limit:
        """The limit, with what was spent before this process."""
        limit = Limit(max_usd, self.prepared.pricing)
        if (self.prepared.run.folder / ANSWERS).exists():
            for usage in self._usages():
                limit.add(usage)
        return limit

    def _left(self, sent: set[str]) -> Iterator[Mapping[str, Any]]:
        return (record for record in self.prepared.run.records() if record["recordId"] not in sent)

    def _outcome(self) -> Outcome:
        run = self.prepared.run
        rejoined = Rejoin(ordinals_of(run.folder / run.state.spools[1]))
        rejoined.take(run.folder / ANSWERS)
        tally = run.write_results(rejoined)
        usages = list(self._usages())
        tally.short, tally.long = sum(usages, Usage()), []
        outcome = Outcome(
            run.settings.name, run.state.records, tally.answered, tally.refused,
            run.state.records - tally.answered - tally.refused, 1, run.results_path, run.left_path,
            tally, {}, ways_of(usages, self.prepared.pricing), on_demand=True,
        )  # fmt: skip
        run.finish(msgspec.to_builtins(summary_of(outcome)))
        return outcome

    def _usages(self) -> Iterator[Usage]:
        for row in whole_lines(self.prepared.run.folder / ANSWERS):
            output: Mapping[str, Any] = row.get("modelOutput") or {}
            usage = usage_of(output.get("usage"))
            if usage is not None:
                yield usage
