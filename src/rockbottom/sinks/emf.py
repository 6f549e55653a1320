"""CloudWatch by the embedded metric format: lines of JSON that CloudWatch Logs turns into metrics.

A document holds sums as ``{"Min", "Max", "Count", "Sum"}``. The specification names numbers and arrays of numbers only;
this form is what AWS's own exporter for OpenTelemetry writes (data/cloudwatch.toml says where that was read).
"""

import socket
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from rockbottom.cloudwatch import emf_limits
from rockbottom.files import from_here, is_path, named, private
from rockbottom.ledger import CallRecord
from rockbottom.process import Handover
from rockbottom.quantities import Fault, reason_of
from rockbottom.sinks.definitions import MODEL_DIMENSION, NAMESPACE
from rockbottom.sinks.errors import CannotPublish
from rockbottom.sinks.gathering import (
    MinuteGatherer,
    MinuteOutlet,
    checked_dimensions,
    checked_metrics,
    cost_text,
    dimension_value,
)
from rockbottom.sinks.heartbeat import HEARTBEAT_S, Heart
from rockbottom.sinks.minutes import Minute, MinuteTable, Sum
from rockbottom.sinks.publisher import Publisher, Undelivered, log

AGENT = "tcp://127.0.0.1:25888"
"""Where the CloudWatch agent listens for documents unless it is told otherwise."""

_ADDRESSES = ("tcp://", "udp://")
_MOST_WAITING = 10_000
_SEND_S = 3.0
_PATIENCE_S = 0.5  # how long a call waits for a disk, where each is written at once


class EmbeddedMetrics(Publisher):
    """A sink that writes embedded-metric documents to ``to``: ``stdout``, a file, or an agent's address.

    An address is ``tcp://host:port`` or ``udp://host:port``; ``emf.AGENT`` is the agent's own. ``every_call`` sends
    each call at once instead of summing up minutes: on AWS Lambda, where a process stands still between calls, that
    is what works, and there is no heartbeat. The other arguments are those of ``CloudWatch``. Raises CannotPublish.

    ```python
    import boto3, rockbottom

    metrics = rockbottom.EmbeddedMetrics("metrics.jsonl", dimensions=[["ModelId"], ["tenant"]])
    bedrock = rockbottom.attach(boto3.client("bedrock-runtime", region_name="us-east-1"), sinks=[metrics])
    ```
    """

    def __init__(
        self,
        to: str | Path = "stdout",
        *,
        namespace: str = NAMESPACE,
        dimensions: Sequence[Sequence[str]] = ((MODEL_DIMENSION,),),
        metrics: Iterable[str] | None = None,
        most_series: int = 100,
        simulated: bool = False,
        every_call: bool = False,
        heartbeat_s: float | None = HEARTBEAT_S,
        **publishing: Any,
    ) -> None:
        sets, chosen = checked_dimensions(dimensions), checked_metrics(metrics)
        taken = {metric.name for metric in chosen} & {name for names in sets for name in names}
        if taken:
            raise CannotPublish(
                f"{', '.join(sorted(taken))} would name a metric and a dimension of one document.",
                fix="give the tag another name",
            )
        if every_call and str(to).startswith(_ADDRESSES):
            raise CannotPublish(
                f"every_call writes before a call returns, and {to} may be slow.", fix="write to stdout or a file"
            )
        writer, idle_s = writer_of(to), None if every_call else heartbeat_s
        self._at_once = Handover("emf", self.flush, _PATIENCE_S) if every_call else None

        def make() -> EmfOutlet:
            table = MinuteTable(sets, chosen, most_series)
            return EmfOutlet(writer, namespace, MinuteGatherer(table, simulated=simulated), Heart(idle_s))

        warning = cost_text(sets, len(chosen), most_series)
        if warning:
            log.warning("rockbottom: %s", warning)
        super().__init__(make, name="the embedded metric format", idle_s=idle_s, **publishing)

    def record(self, call: CallRecord) -> None:
        """Queue a call, or have it written now where every call is: half a second is waited for that; never raises."""
        if self._at_once is None:
            super().record(call)
        elif len(self._queue) >= self._capacity:
            self._drop()
        else:
            self._queue.append(call)
            self._at_once.ask()

    def after_fork_in_child(self) -> None:
        """What has gathered, and the thread that writes, are the parent's."""
        super().after_fork_in_child()
        if self._at_once is not None:
            self._at_once.after_fork_in_child()


class Unwritable(Undelivered):
    """The file for the documents cannot be written; they are kept, as what could not be sent is."""

    fault = Fault.CALLER


class Writer(Protocol):
    """Takes one document, without its end of line. Raises OSError."""

    def __call__(self, document: str) -> None:
        """Write one document whole, so that lines of several processes do not mix."""
        ...


class EmfOutlet(MinuteOutlet[str]):
    """Writes documents; those that could not be written wait, a bounded number of them."""

    def __init__(self, write: Writer, namespace: str, gatherer: MinuteGatherer, heart: Heart | None = None) -> None:
        super().__init__(gatherer, heart)
        self._write = write
        self._namespace = namespace

    def send(self, now: float, last: bool) -> int:
        """Write the minutes that are over; the number of documents. Raises Undelivered."""
        for minute in self._due(now, last):
            self._waiting.extend(documents_of(minute, self._namespace))
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        written = 0
        try:
            while self._waiting:
                self._write(self._waiting[0])
                self._waiting.popleft()
                written += 1
        except (OSError, UnicodeError) as error:  # of a host's name that no name can be, too
            why, file = reason_of(error), getattr(error, "filename", None)
            raise (Unwritable(f"{file}: {why}") if file else Undelivered(why)) from error
        return written


def documents_of(minute: Minute, namespace: str) -> Iterator[str]:
    """The documents of one minute: one, and one more for each further hundred of kept values."""
    most = emf_limits().most_values
    values_left = {
        definition.name: list(_repeated(summed))
        for definition, summed in minute.sums.items()
        if summed.values is not None
    }
    rest: dict[str, Any] = {
        definition.name: _statistics(summed) for definition, summed in minute.sums.items() if summed.values is None
    }
    units = {definition.name: definition.unit.value for definition in minute.sums}
    while rest or values_left:
        rest |= {name: values[:most] for name, values in values_left.items()}
        yield _document(minute, namespace, rest, units)
        values_left = {name: values[most:] for name, values in values_left.items() if len(values) > most}
        rest = {}


def _document(minute: Minute, namespace: str, values: Mapping[str, Any], units: Mapping[str, str]) -> str:
    directive = {
        "Namespace": namespace,
        "Dimensions": [[name for name, _ in minute.dimensions]],
        "Metrics": [{"Name": name, "Unit": units[name]} for name in values],
    }
    root = {"_aws": {"Timestamp": minute.starts_at * 1000, "CloudWatchMetrics": [directive]}}
    root |= {name: dimension_value(value) for name, value in minute.dimensions}
    return msgspec.json.encode(root | dict(values)).decode()


def _statistics(summed: Sum) -> dict[str, float]:
    return {
        "Min": float(summed.least),
        "Max": float(summed.greatest),
        "Count": float(summed.count),
        "Sum": float(summed.total),
    }


def _repeated(summed: Sum) -> Iterator[int]:
    for value, times in sorted((summed.values or {}).items()):
        for _ in range(times):
            yield value


def writer_of(to: str | Path) -> Writer:
    """What writes to a target. Raises CannotPublish for an address that is none, or for what is no path."""
    if not is_path(to):
        raise CannotPublish(
            f"to is of type {type(to).__name__}, not stdout, a path or an address.",
            fix='EmbeddedMetrics("metrics.jsonl")',
        )
    if to == "stdout":
        return _to_stdout
    text = str(to)
    if text.startswith(_ADDRESSES):
        address = urlsplit(text)
        if not address.hostname or not address.port:
            raise CannotPublish(f"{text} is not HOST:PORT.", fix=AGENT)
        kind = socket.SOCK_STREAM if address.scheme == "tcp" else socket.SOCK_DGRAM
        return _to_agent(kind, address.hostname, address.port)
    return _to_file(from_here(to))


def _to_stdout(document: str) -> None:
    sys.stdout.write(document + "\n")
    sys.stdout.flush()


def _to_file(path: Path) -> Writer:
    def write(document: str) -> None:
        # One write to a file opened for appending: several processes may share it, and it may be rotated away.
        with named(path), open(path, "ab", buffering=0, opener=private) as file:
            file.write(document.encode() + b"\n")

    return write


def _to_agent(kind: socket.SocketKind, host: str, port: int) -> Writer:
    def write(document: str) -> None:
        family = socket.getaddrinfo(host, port, type=kind)[0][0]
        with socket.socket(family, kind) as connection:
            connection.settimeout(_SEND_S)
            connection.connect((host, port))
            connection.sendall(document.encode() + b"\n")

    return write
