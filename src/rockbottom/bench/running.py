"""Runs a schedule against an endpoint, turn by turn, and keeps what comes back.

Every lane sees the same conversation: the fixed answer of each turn goes into the history, or, where the workload
fixes none, the answer that the first lane of that model got. So lanes differ in their cachePoints and in nothing else.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Protocol

from rockbottom.bench.batching import REFUSED, BenchJob, batched, copies
from rockbottom.bench.calling import check_sdk, send
from rockbottom.bench.endpoints import Endpoint
from rockbottom.bench.errors import EndpointDied, EndpointRefused, SpendLimit
from rockbottom.bench.notebook import Ended, Measured, Notebook, PassKey
from rockbottom.bench.placing import Placer, PlanningClock, placer_of
from rockbottom.bench.recorded import RecordedConversation
from rockbottom.bench.recording import TurnRecorder
from rockbottom.bench.replies import BenchReply
from rockbottom.bench.requests import BenchRequest, parts_of, prompt_of_request, request_of
from rockbottom.bench.schedule import Schedule, ScheduleRow, most_of
from rockbottom.catalog import Tier
from rockbottom.figures import usd
from rockbottom.quantities import ZERO_USD, Usd

Blocks = Sequence[Mapping[str, Any]]
_ONE_REQUEST = ("ValidationException", "ParamValidation", REFUSED)  # codes that concern one request, not the whole run


class BenchWatcher(Protocol):
    """Told of what happens, as it happens."""

    def begun(self, key: PassKey, turns: int) -> None: ...

    def measured(self, turn: Measured) -> None: ...

    def noted(self, text: str) -> None:
        """One sentence on what a batch job does."""
        ...

    def ended(self, ended: Ended) -> None: ...


@dataclass(slots=True)
class Runner:
    """One run. ``monotonic`` and ``now`` are the clocks; ``max_usd`` is the most that may be spent (None: no limit)."""

    plan: Schedule
    endpoint: Endpoint
    notebook: Notebook
    watcher: BenchWatcher | None = None
    max_usd: Usd | None = None
    monotonic: Callable[[], float] = perf_counter
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    spent: Usd = ZERO_USD
    recorder: TurnRecorder | None = None
    _answers: dict[tuple[str, int, int], Blocks] = field(default_factory=dict[tuple[str, int, int], Blocks])
    _number: int = 0
    _clock: PlanningClock = field(init=False)
    _placer: Placer = field(init=False)

    def run(self) -> None:
        """Run every pass that is not finished yet.

        Raises EndpointDied, EndpointRefused (credentials, access), SpendLimit or KeyboardInterrupt; what was
        measured until then is in the notebook. A request that the service refuses ends its own pass only.
        """
        self._recall()
        for number, (key, row) in enumerate(self.plan.passes):
            if key not in self.notebook.ends:
                self._number = number
                self._pass(key, row)

    def _recall(self) -> None:
        """Take up what an earlier run of this notebook found out."""
        rows = dict(self.plan.passes)
        for turn in self.notebook.turns:
            self._answers.setdefault((turn.key.model, turn.conversation, turn.turn), turn.content)
            if turn.key in rows:
                row = rows[turn.key]
                self.spent += copies(self.plan.workload, row.lane) * self.plan.price(turn.usage, row).usd

    def _pass(self, key: PassKey, row: ScheduleRow) -> None:
        if self.watcher:
            self.watcher.begun(key, self.plan.workload.turns)
        ended = Ended(key, "unfinished")
        try:
            if row.lane.tier is Tier.BATCH:
                self._job(key, row)
                ended = Ended(key, "done")
                return
            client = self.endpoint.client(self._number)
            check_sdk(client, wants_ttl=row.lane.ttl is not None or row.lane.online)
            self._clock = PlanningClock.of(self.plan, self.now, self.endpoint.moved)
            self._placer = placer_of(row, self.plan, self._clock, self.endpoint.resolve)
            for index, conversation in enumerate(self.plan.workload.conversations):
                self._conversation(client, key, row, index, conversation)
            ended = Ended(key, "done")
        except EndpointRefused as error:
            if not error.code.startswith(_ONE_REQUEST) and "prompt caching" not in str(error):
                raise
            ended = Ended(key, "refused", str(error))
        finally:
            self.notebook.end(ended)
            if self.watcher:
                self.watcher.ended(ended)

    def _job(self, key: PassKey, row: ScheduleRow) -> None:
        """Every turn as a record of one batch job."""
        requests = dict(self._records(key, row))
        each, at = copies(self.plan.workload, row.lane), self.endpoint.jobs
        assert at is not None  # the schedule has no such row otherwise
        self._guard(row, *[request for request in requests.values() for _ in range(each)])
        with self._job_folder() as folder:
            job = BenchJob(
                f"bench-{self.notebook.settings.nonce or 'run'}-{self._number:03d}", row.sends, at.bucket, at.role_arn,
                self.plan.on, self.plan.book, folder, self.endpoint.cloud(self._number),
                self.watcher.noted if self.watcher else lambda text: None,
            )  # fmt: skip
            try:
                replies = batched(requests, each, job)
            except EndpointDied as error:
                raise self._died(error) from error
        known = {(turn.conversation, turn.turn) for turn in self.notebook.of(key)}
        for place, reply in sorted(replies.items()):
            self.spent += each * self.plan.price(reply.usage, row).usd
            if place not in known:
                label = self.plan.workload.conversations[place[0]].turns[place[1]].label
                self._measured(key, place, label, requests[place], reply)

    def _records(self, key: PassKey, row: ScheduleRow) -> Iterator[tuple[tuple[int, int], BenchRequest]]:
        """Every turn with what came before it: the fixed answers, or those that the first lane got."""
        for index, conversation in enumerate(self.plan.workload.conversations):
            messages: list[Mapping[str, Any]] = []
            for number, turn in enumerate(conversation.turns):
                messages.extend(turn.messages)
                yield (index, number), self._request(row, conversation, messages)
                answer = turn.answer or self._answers.get((key.model, index, number))
                if answer is None:
                    if number + 1 == len(conversation.turns):
                        continue
                    raise EndpointRefused(
                        f"turn {number + 1} of {conversation.name} has no answer, which the next turn needs: "
                        "batch answers all at once",
                        code=REFUSED,
                    )
                messages.append({"role": "assistant", "content": _history(answer, conversation, number)})

    @contextmanager
    def _job_folder(self) -> Generator[Path]:
        """Where the job's journal is kept: in the run's folder, so that a run taken up again finds its job."""
        if self.notebook.folder is not None:
            yield self.notebook.folder / "batch"
            return
        with TemporaryDirectory() as folder:
            yield Path(folder)

    def _conversation(
        self, client: Any, key: PassKey, row: ScheduleRow, index: int, conversation: RecordedConversation
    ) -> None:
        known = {turn.turn: turn for turn in self.notebook.of(key) if turn.conversation == index}
        messages: list[Mapping[str, Any]] = []
        for number, turn in enumerate(conversation.turns):
            messages.extend(turn.messages)
            request = self._request(row, conversation, messages)
            if number not in known:
                self._turn(client, key, row, request, (index, number), turn.label, turn.answer)
            elif self.endpoint.isolated:  # a resumed pass: the endpoint is new, so tell it again what it had seen
                self._send(client, row, request, turn.answer or known[number].content)
            else:
                self._recalled(request, known[number])
            last = number + 1 == len(conversation.turns) and index + 1 == len(self.plan.workload.conversations)
            if not last and (number not in known or self.endpoint.isolated):
                self.endpoint.wait(self.plan.workload.seconds_between_turns)
            answer = turn.answer or self._answers[(key.model, index, number)]
            messages.append({"role": "assistant", "content": _history(answer, conversation, number)})

    def _request(
        self, row: ScheduleRow, conversation: RecordedConversation, messages: Sequence[Mapping[str, Any]]
    ) -> BenchRequest:
        nonce = "" if self.endpoint.isolated else f"{self.notebook.settings.nonce}{self._number:03d}"
        parts = parts_of(self.plan.workload, conversation, messages, nonce)
        return request_of(parts, row.lane, self.plan.workload, row.subject.model.model, row.subject.rules)

    def _recalled(self, request: BenchRequest, known: Measured) -> None:
        """Let the planner see a turn that was sent before this run was taken up again."""
        at = self._clock.at(datetime.fromisoformat(known.at))
        self._placer.placed(request, at)
        self._placer.answered(request, known.usage, at)

    def _turn(
        self, client: Any, key: PassKey, row: ScheduleRow, request: BenchRequest, place: tuple[int, int], label: str,
        answer: Blocks | None,
    ) -> None:  # fmt: skip
        self._guard(row, request)
        left = self._clock()
        request, reply = self._send(client, row, request, answer or self._answers.get((key.model, *place)))
        self.spent += self.plan.price(reply.usage, row).usd
        self._answers.setdefault((key.model, *place), reply.content)
        turn = self._measured(key, place, label, request, reply)
        if self.recorder:
            self.recorder.turn(turn, row, request, left)

    def _measured(
        self, key: PassKey, place: tuple[int, int], label: str, request: BenchRequest, reply: BenchReply
    ) -> Measured:
        at = self.now().isoformat(timespec="milliseconds")
        turn = Measured(
            key, *place, label, reply.usage, reply.content, reply.stop_reason, request.points,
            reply.latency_ms, reply.elapsed_ms, reply.first_ms, at, reply.request_id,
        )  # fmt: skip
        self.notebook.add(turn)
        if self.watcher:
            self.watcher.measured(turn)
        return turn

    def _send(
        self, client: Any, row: ScheduleRow, request: BenchRequest, answer: Blocks | None
    ) -> tuple[BenchRequest, BenchReply]:
        """The request as it left, and its reply."""
        placed = self._placer.placed(request)
        try:
            self.endpoint.script(self._number, answer)
            reply = send(
                client, row.sends, placed, stream=self.plan.workload.stream, ttl=row.ttl(),
                clock=self.monotonic,
            )  # fmt: skip
        except EndpointDied as error:
            raise self._died(error) from error
        self._placer.answered(request, reply.usage)
        return placed, reply

    def _died(self, error: EndpointDied) -> EndpointDied:
        finished, folder = len(self.notebook.turns), self.notebook.folder
        if not finished or folder is None:
            return error
        return EndpointDied(
            f"{error}; {finished} finished turns are kept in {folder}",
            finished=finished,
            fix=f"rockbottom bench --resume {folder} continues from there",
        )

    def _guard(self, row: ScheduleRow, *requests: BenchRequest) -> None:
        if self.max_usd is None:
            return
        meter = row.subject.meter
        worst = sum(
            (most_of(self.plan, row, prompt_of_request(request, meter).tokens) for request in requests), ZERO_USD
        )
        if self.spent + worst > self.max_usd:
            finished = len(self.notebook.turns)
            raise SpendLimit(
                f"stopped before the limit of ${self.max_usd}: spent ${usd(self.spent, 6)}, what comes next could cost "
                f"${usd(worst, 6)}; {finished} finished turns are kept",
                finished=finished,
                fix=f"rockbottom bench --resume {self.notebook.folder} --max-usd MORE" if finished else None,
            )


def _history(answer: Blocks, conversation: RecordedConversation, number: int) -> list[Mapping[str, Any]]:
    """The answer as the next request carries it: a tool use that nobody answers is left out."""
    following = conversation.turns[number + 1].messages if number + 1 < len(conversation.turns) else ()
    answered = {
        block["toolResult"]["toolUseId"]
        for message in following
        for block in message["content"]
        if "toolResult" in block
    }
    blocks = [block for block in answer if "toolUse" not in block or block["toolUse"]["toolUseId"] in answered]
    return blocks or [{"text": "(no text)"}]
