"""Turns of a run as records of the ledger, beside those of attached clients: source ``bench``, the lane as a tag."""

from collections.abc import Callable

from rockbottom.bench.endpoints import Endpoint
from rockbottom.bench.notebook import Measured
from rockbottom.bench.requests import BenchRequest
from rockbottom.bench.schedule import Schedule, ScheduleRow
from rockbottom.catalog import NoPriceInForce
from rockbottom.client import Call, Recorder, Whereabouts
from rockbottom.cost import Cost
from rockbottom.dialects import RequestReader
from rockbottom.ledger import Sink
from rockbottom.quantities import Usage


class TurnRecorder:
    """Hands the turns of one run to a sink. ``key`` is the ledger's secret; ``failed`` is told of an error once."""

    def __init__(
        self, plan: Schedule, endpoint: Endpoint, sink: Sink, key: bytes | None, failed: Callable[[Exception], None]
    ) -> None:
        self._plan = plan
        self._where = Whereabouts(endpoint.region, endpoint.kind)
        self._requests = RequestReader(plan.catalog, endpoint.resolve)
        self._recorder = Recorder([sink], {}, key, failed)
        self._failed = failed

    def turn(self, turn: Measured, row: ScheduleRow, request: BenchRequest, at: float) -> None:
        """Record one measured turn, which left ``at`` (seconds since the epoch by the endpoint's clock)."""
        arguments = request.arguments(row.sends)
        try:
            read = self._requests.read(arguments)
            read.tier = row.lane.tier
        except Exception as error:
            return self._failed(error)
        call = Call(at, arguments, arguments, read, operation=self._operation(request), whereabouts=self._where)
        call.tags = {"workload": self._plan.workload.name, "lane": turn.key.lane, "repeat": str(turn.key.repeat)}
        call.source, call.request_id = "bench", turn.request_id
        call.first = None if turn.first_ms is None else turn.first_ms / 1000
        minimum = row.subject.rules.minimum_tokens
        costs = self._costs(turn.usage, row)
        return self._recorder.record(call, turn.usage, costs, minimum, turn.elapsed_ms / 1000, False)

    def _operation(self, request: BenchRequest) -> str:
        whole, streamed = request.dialect.operations
        return streamed if self._plan.workload.stream and not request.dialect.api.wrapped else whole

    def _costs(self, usage: Usage, row: ScheduleRow) -> tuple[Cost, Cost] | None:
        plain = Usage(input=usage.total_input, output=usage.output)
        try:
            return self._plan.price(usage, row), self._plan.price(plain, row)
        except NoPriceInForce:
            return None
