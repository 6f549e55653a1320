"""Records that are left of a run, sent on demand: too few for another job, or refused by it.

One after another, with cachePoints where the planner puts them. Each answer is written down before the next record is
sent, so a process that was killed goes on with the next one; the record that was under way then is sent once more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.api import Prepared
from rockbottom.batch.caching import Sampled, sampled
from rockbottom.batch.errors import NothingLeft
from rockbottom.batch.journal import event_in
from rockbottom.batch.outcomes import LeftOutcome
from rockbottom.batch.outputs import write_whole
from rockbottom.batch.pricing import BatchEstimate, estimate
from rockbottom.batch.sending import Clock, Sender, Told, whole_lines
from rockbottom.cache import behaviour_of
from rockbottom.catalog import NoPriceInForce, Tier
from rockbottom.cost import Cost, bill
from rockbottom.dialects import BodyReader, api_of, usage_of
from rockbottom.plan import Planner
from rockbottom.quantities import Usage

SENT = "leftover.jsonl"


@dataclass(slots=True)
class Leftover:
    """What is left of a run. ``clock`` gives seconds since the epoch."""

    prepared: Prepared
    clock: Clock

    def records(self) -> list[dict[str, Any]]:
        """The records that have no answer yet, not even on demand. Raises NothingLeft."""
        run = self.prepared.run
        if not run.left_path.exists():
            raise NothingLeft(
                f"The run {run.settings.name} has no records left to send: {run.left_path} does not exist.",
                fix=f"rockbottom batch collect {run.settings.name} writes it where records have no answer",
            )
        done = self._sent()
        return [record for record in whole_lines(run.left_path) if record["recordId"] not in done]

    def estimate(self, output_each: int | None = None) -> BatchEstimate:
        """What they will cost: ``compared.on_demand`` without caching, ``compared.cached`` with it."""
        return estimate(self._sampled(), self.prepared.pricing, output_each)

    def send(self, on_progress: Told = lambda done, total: None) -> LeftOutcome:
        """Send them one by one, and put what came back into the run's results. Raises BatchError; answers stay.

        The caller has asked for consent. A record that the model refuses is kept with its error and not sent again.
        """
        run, cloud = self.prepared.run, self.prepared.run.cloud
        records = self.records()
        planner = Planner(catalog=self.prepared.catalog)
        sender = Sender(cloud, planner, run.settings.model, run.settings.kind, self.clock)
        sender.send(records, run.folder / SENT, lambda done: on_progress(done, len(records)))
        return self._merged()

    def _sampled(self) -> Sampled:
        run, pricing, catalog = self.prepared.run, self.prepared.pricing, self.prepared.catalog
        records = self.records()
        api = api_of(run.settings.kind)
        rules = catalog.rules(pricing.model, pricing.on)
        return sampled(
            records,
            len(records),
            BodyReader.of(catalog),
            pricing.model.model,
            api,
            rules,
            behaviour_of(catalog.switches),
        )

    def _sent(self) -> dict[str, dict[str, Any]]:
        path = self.prepared.run.folder / SENT
        return {row["recordId"]: row for row in whole_lines(path)} if path.exists() else {}

    def _merged(self) -> LeftOutcome:
        """The run's results with these answers in the places of their records; what was refused stays left."""
        run, sent = self.prepared.run, self._sent()
        left = list(whole_lines(run.left_path))
        write_whole(run.results_path, _with_answers(run.results_path, sent))
        answered = [row for row in sent.values() if "modelOutput" in row]
        counted = [usage_of(row["modelOutput"].get("usage")) for row in answered]
        usages = [usage for usage in counted if usage is not None]
        uncounted, usage = len(counted) - len(usages), sum(usages, Usage())
        cost = self._cost(usages) if not uncounted else None
        refused = [record for record in left if "error" in sent.get(record["recordId"], {})]
        return LeftOutcome(len(left), len(answered), len(refused), usage, cost, run.results_path, uncounted)

    def _cost(self, usages: list[Usage]) -> Cost | None:
        pricing = self.prepared.pricing
        total = Cost()
        try:
            for usage in usages:
                total += bill(usage, pricing.model, Tier.DEFAULT, pricing.on, pricing.book, region=pricing.region)
        except NoPriceInForce:
            return None
        return total


def _with_answers(path: Path, sent: Mapping[str, dict[str, Any]]) -> Iterator[bytes]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            row = sent.get(event_in(line, path, number)["recordId"])
            yield line if row is None else msgspec.json.encode(row) + b"\n"
