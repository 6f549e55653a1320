"""What is recorded of a call once it has ended, and of the requests that rockbottom sends itself."""

from collections.abc import Callable

from rockbottom.client.calls import Call
from rockbottom.client.learning import Costs, Learning
from rockbottom.client.recording import Recorder
from rockbottom.client.talking import Talk
from rockbottom.client.whereabouts import Whereabouts
from rockbottom.dialects import Params, Request
from rockbottom.quantities import Usage

_UNRECORDED = "the call is not recorded"


class CallRecording:
    """Hands ended calls to a recorder. ``read`` reads a request under the attachment's lock. Nothing is raised."""

    def __init__(
        self, read: Callable[[Params], Request], learning: Learning, talk: Talk, stopwatch: Callable[[], float]
    ) -> None:
        self._read = read
        self._learning = learning
        self._talk = talk
        self._stopwatch = stopwatch

    def record(self, recorder: Recorder, call: Call, usage: Usage | None, costs: Costs, failed: bool) -> None:
        """Record a call as it went out in the end: as the caller wrote it, where it was restored."""
        try:
            if call.restored and call.request is not None:
                call.request = self._read(call.original)
            minimum = self._learning.minimum(call.request) if call.request is not None else 0
        except Exception as error:
            return self._talk.failure("recording", error, _UNRECORDED)
        return recorder.record(call, usage, costs, minimum, self._stopwatch(), failed)

    def kept_alive(
        self, recorder: Recorder, params: Params, usage: Usage | None, at: float, left: float, whereabouts: Whereabouts
    ) -> None:
        """Record a keep-alive that came back, or failed (no usage), like any other call."""
        try:
            request = self._read(params)
            costs = self._learning.costs(request.model, request.tier, usage, whereabouts) if usage is not None else None
        except Exception as error:
            return self._talk.failure("recording", error, _UNRECORDED)
        call = Call(at, params, params, request, whereabouts=whereabouts, tags=recorder.tags, left=left)
        call.source, call.done = "keep-alive", True
        return self.record(recorder, call, usage, costs, usage is None)
