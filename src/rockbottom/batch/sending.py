"""Records sent on demand, with cachePoints where the planner puts them, within a quota.

Each answer is on disk before anything depends on it, so a process that was killed goes on with the records that have
none; those that were under way then are sent once more.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from rockbottom.batch.bodies import output_limit
from rockbottom.batch.cloud import Cloud, code_of
from rockbottom.batch.errors import AccessRefused, InvalidSettings, ServiceBusy
from rockbottom.batch.journal import event_in
from rockbottom.batch.openai_lines import ENDPOINT
from rockbottom.batch.pacing import RequestPace
from rockbottom.batch.records import Kind
from rockbottom.batch.spending import Limit
from rockbottom.batch.surface_calls import surface_call
from rockbottom.dialects import usage_of
from rockbottom.files import named, private
from rockbottom.plan import CachePlan, Planner
from rockbottom.process import content_of_reply
from rockbottom.quantities import Usage, decoded

_ABOUT_THE_RECORD = ("ValidationException", "ModelErrorException")
Clock = Callable[[], float]
Told = Callable[[int, int], None]
Row = dict[str, Any]


@dataclass(slots=True)
class Sender:
    """Sends records of one model and dialect. ``at_once`` is how many may be under way; ``clock`` is in seconds.

    ``limit`` is what may be spent; None: nothing holds it.
    """

    cloud: Cloud
    planner: Planner
    model_id: str
    kind: str
    clock: Clock
    pace: RequestPace = field(default_factory=RequestPace)
    at_once: int = 1
    limit: Limit | None = None

    def send(self, records: Iterable[Mapping[str, Any]], path: Path, on_progress: Callable[[int], None]) -> None:
        """Send every record and add its row to the file at ``path``. Raises BatchError; rows so far stay there.

        The first record is answered before others are sent beside it, so that they read what it wrote.
        """
        cut_to_whole_lines(path)
        done = 0
        failure: Exception | None = None
        under_way: dict[Future[Row], tuple[CachePlan, float]] = {}
        with open(path, "ab", opener=private) as file, ThreadPoolExecutor(self.at_once) as pool:
            left = iter(records)
            while failure is None or under_way:
                full = len(under_way) >= (self.at_once if done else 1)
                record = None if full or failure is not None else next(left, None)
                if record is not None and (over := self.limit and self.limit.reached(len(under_way))):
                    record, failure = None, over
                if record is not None:
                    under_way |= self._begin(pool, record)
                elif under_way:
                    count, error = self._finish(under_way, file, path)
                    done, failure = done + count, failure or error
                    on_progress(done)
                else:
                    break
        if failure is not None:
            raise failure

    def _begin(self, pool: ThreadPoolExecutor, record: Mapping[str, Any]) -> dict[Future[Row], tuple[CachePlan, float]]:
        body: Mapping[str, Any] = record["modelInput"]
        call = self._call(body)
        plan = self.planner.plan(call, now=self.clock())
        began_at = self.pace.admit(plan.tokens - plan.read, output_limit(body), self.cloud.sleep, self.clock)
        return {pool.submit(self._row, plan.apply(call), record["recordId"]): (plan, began_at)}

    def _call(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call, or the body of one of Chat Completions, which names its model."""
        if self.kind == Kind.CHAT.value:
            return {"model": self.model_id, **body}
        return {"modelId": self.model_id, **(body if self.converse else {"body": json.dumps(body)})}

    def _finish(
        self, under_way: dict[Future[Row], tuple[CachePlan, float]], file: IO[bytes], path: Path
    ) -> tuple[int, Exception | None]:
        """Take in what was answered first: how many were, and the error of a record that did not get through."""
        ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
        plans = [(future, *under_way.pop(future)) for future in ended]
        rows: list[Row] = []
        failure: Exception | None = None
        for future, plan, began_at in plans:
            error = future.exception()
            if isinstance(error, Exception):
                failure = failure or error
            else:
                row = future.result()
                rows.append(row)
                output: Mapping[str, Any] = row.get("modelOutput") or {}
                usage = usage_of(output.get("usage"))
                self.pace.settle(began_at, usage or Usage())
                if self.limit is not None and usage is not None:
                    self.limit.add(usage)
                self.planner.observe(plan, usage, now=self.clock())
        with named(path):
            for row in rows:
                file.write(msgspec.json.encode(row) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return len(rows), failure

    @property
    def converse(self) -> bool:
        """Whether the bodies are Converse's."""
        return self.kind == Kind.CONVERSE.value

    def _row(self, sent: Mapping[str, Any], record_id: str) -> Row:
        """One record sent: its row of results."""
        from botocore.exceptions import ClientError, ParamValidationError

        try:
            return {"recordId": record_id, "modelOutput": self._answer(sent), "onDemand": True}
        except ClientError as error:
            answer: Any = error.response
            refusal = {"errorCode": code_of(error), "errorMessage": answer["Error"].get("Message", "")}
            self._raise_unless_about_the_record(error, **refusal)
        except AccessRefused as error:
            if not isinstance(error.__cause__, ParamValidationError):
                raise
            refusal = {"errorCode": "ParamValidation", "errorMessage": str(error.__cause__)}
        return {"recordId": record_id, "error": refusal, "onDemand": True}

    def _raise_unless_about_the_record(self, error: Exception, errorCode: str, errorMessage: str) -> None:
        """What is no fault of a record must not mark it, nor all that follow it, as refused for good."""
        if errorCode == "ResourceNotFoundException" or "on-demand throughput" in errorMessage:
            raise InvalidSettings(
                f"{self.model_id} cannot be called on demand: {errorMessage}",
                fix="run the batch with an inference profile of the model; nothing was sent",
            ) from error
        if errorCode not in _ABOUT_THE_RECORD:
            raise ServiceBusy(
                f"A record did not get through: {errorCode}: {errorMessage}",
                fix="answers so far are kept; the same command continues with this record",
            ) from error

    def _answer(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        if self.kind == Kind.CHAT.value:
            return surface_call(self.cloud, "POST", f"/openai{ENDPOINT}", sent)
        reply = self.cloud.call("bedrock-runtime", "converse" if self.converse else "invoke_model", **sent)
        if not self.converse:
            return decoded(content_of_reply(reply["body"]), dict[str, Any])
        return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


def whole_lines(path: Path) -> Iterator[Row]:
    """The rows of a file; a last one that a kill cut short is left out. Raises DamagedRun."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                yield event_in(line, path, number)


def cut_to_whole_lines(path: Path) -> None:
    """Cut a last row that is not whole off a file, so that the next one begins a line."""
    if path.exists():
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            path.write_bytes(whole)
