"""Results found again by recordId, in whatever order and however often they come, in memory that stays small.

One byte of fate and three numbers of place for each record; the results themselves stay in their files.
"""

import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import msgspec

from rockbottom.batch.errors import OutputIncomplete
from rockbottom.batch.openai_lines import Response, error_in
from rockbottom.figures import thousands
from rockbottom.quantities import Undecodable, Usage, decoder_of


class Fate(IntEnum):
    """What became of a record; a higher one replaces a lower one."""

    NO_RESULT = 0
    RETRYABLE = 1
    REFUSED = 2
    ANSWERED = 3


_NOTHING = msgspec.Raw(b"null")


class _Error(msgspec.Struct):
    errorCode: int | str | None = None
    errorMessage: str | None = None
    expired: bool = False
    retryable: bool | None = None


class _Counters(msgspec.Struct):
    # Converse and Nova in camelCase, Anthropic in snake_case; batch caches nothing, so that nothing overlaps.
    inputTokens: int = 0
    outputTokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    prompt_tokens: int = 0  # Chat Completions
    completion_tokens: int = 0


class _Output(msgspec.Struct):
    usage: _Counters | None = None


class _Result(msgspec.Struct):
    recordId: str | None = None
    modelOutput: _Output | None = None
    error: _Error | None = None


class _Odd(msgspec.Struct):
    # A result with an id, a usage or an error in no shape that we know.
    recordId: msgspec.Raw = _NOTHING
    modelOutput: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING
    custom_id: str | None = None
    response: Response | None = None

    @property
    def answer(self) -> msgspec.Raw:
        """The reply of the model, whoever's line this is."""
        return self.modelOutput if self.response is None else self.response.body


_result = decoder_of(_Result)
_odd = decoder_of(_Odd)
_error = decoder_of(_Error | None)
_output = decoder_of(_Output)
_text = decoder_of(str)
_encode = msgspec.json.Encoder().encode
# Codes that may be retried where the record does not say: the service's own throttling and server errors.
_RETRYABLE_CODES = frozenset({"408", "424", "429", "500", "502", "503", "504"})
_SHOWN_CHARS = 500
LONG_PROMPT = 100_000  # no long-context price starts below: a longer record is billed by itself


@dataclass(slots=True)
class RunTally:
    """What the results of a run add up to."""

    answered: int = 0
    refused: int = 0
    retryable: int = 0
    missing: int = 0
    repeated: int = 0
    foreign: int = 0
    unmetered: int = 0
    short: Usage = field(default_factory=Usage)
    long: list[Usage] = field(default_factory=list[Usage])
    errors: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def usage(self) -> Usage:
        """All tokens that were billed."""
        return sum(self.long, self.short)


class Rejoin:
    """The results of a run by record, of which each recordId has its place, from 0."""

    def __init__(self, ordinals: Mapping[str, int]) -> None:
        self._ordinals = ordinals
        count = len(ordinals)
        self.fates = bytearray(count)
        self._file = array("H", bytes(2 * count))
        self._offset = array("Q", bytes(8 * count))
        self._length = array("L", bytes(array("L").itemsize * count))
        self._paths: list[Path] = []
        self._input = self._output = 0
        self.tally = RunTally()

    def take(self, path: Path) -> int:
        """Take the lines of one output file in; how many records of ours it held. Raises OutputIncomplete."""
        number = len(self._paths)
        self._paths.append(path)
        taken = at = 0
        with path.open("rb", buffering=1 << 20) as file:
            for line in file:
                if not line.endswith(b"\n") and not _whole(line):
                    raise half_written(path, "its last line is cut off")
                if line.strip():
                    taken += self._take(path, line, number, at)
                at += len(line)
        return taken

    def _take(self, path: Path, line: bytes, number: int, at: int) -> int:
        try:
            result = read_result(line)
        except Undecodable as error:
            raise half_written(path, f"the line at byte {thousands(at)} is not a result: {error}") from error
        ordinal = self._ordinals.get(result.recordId or "")
        if ordinal is None:
            self.tally.foreign += 1
            return 0
        fate = fate_of(result)
        before = self.fates[ordinal]
        if before == Fate.ANSWERED:
            self.tally.repeated += 1
            return 0
        if fate >= before:
            self.fates[ordinal] = fate
            self._file[ordinal], self._offset[ordinal], self._length[ordinal] = number, at, len(line)
        if fate is Fate.ANSWERED:
            self._meter(result.modelOutput)
        return 1

    def _meter(self, output: _Output | None) -> None:
        counters = output.usage if output is not None else None
        if counters is None:
            self.tally.unmetered += 1
            return
        tokens_in = counters.inputTokens + counters.input_tokens + counters.prompt_tokens
        tokens_out = counters.outputTokens + counters.output_tokens + counters.completion_tokens
        if tokens_in > LONG_PROMPT:
            self.tally.long.append(Usage(tokens_in, tokens_out))
        else:
            self._input += tokens_in
            self._output += tokens_out

    def count(self) -> RunTally:
        """The tally with every record counted once."""
        tally = self.tally
        tally.answered = self.fates.count(Fate.ANSWERED)
        tally.refused = self.fates.count(Fate.REFUSED)
        tally.retryable = self.fates.count(Fate.RETRYABLE)
        tally.missing = self.fates.count(Fate.NO_RESULT)
        tally.short = Usage(self._input, self._output)
        return tally

    def unanswered(self, which: Callable[[int], bool]) -> bytearray:
        """One flag for each record: set when its fate is one of those asked for."""
        table = bytes(1 if which(fate) else 0 for fate in range(256))
        return bytearray(self.fates.translate(table))

    def rows(self) -> Iterator[bytes]:
        """One line for each record in the order of the input: its modelOutput, or its error."""
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")).fileno() for path in self._paths]
            for record_id, ordinal in self._ordinals.items():
                yield self._row(record_id, ordinal, files)

    def _row(self, record_id: str, ordinal: int, files: Sequence[int]) -> bytes:
        name = _encode(record_id)
        if self.fates[ordinal] == Fate.NO_RESULT:
            return b'{"recordId":%b,"error":{"errorMessage":"no result","retryable":true}}\n' % name
        result = _odd(os.pread(files[self._file[ordinal]], self._length[ordinal], self._offset[ordinal]))
        if self.fates[ordinal] == Fate.ANSWERED:
            return b'{"recordId":%b,"modelOutput":%b}\n' % (name, result.answer)
        error = _error_in(result)
        key = _named(error) if error else "unknown"
        if key in self.tally.errors or len(self.tally.errors) < 50:
            self.tally.errors[key] = self.tally.errors.get(key, 0) + 1
        return b'{"recordId":%b,"error":%b}\n' % (name, _encode(error))


def fate_of(result: _Result) -> Fate:
    """The fate that a line of output tells."""
    if result.modelOutput is not None and result.error is None:
        return Fate.ANSWERED
    error = result.error
    if error is None:
        return Fate.RETRYABLE
    if error.retryable or error.expired:
        return Fate.RETRYABLE
    if error.retryable is None and str(error.errorCode) in _RETRYABLE_CODES:
        return Fate.RETRYABLE
    return Fate.REFUSED


def half_written(path: Path, why: str) -> OutputIncomplete:
    """The error of output that is not whole."""
    return OutputIncomplete(
        f"The output {path.name} is not complete: {why}.",
        fix="nothing is lost: collect again in a few minutes, or take what is there with --accept-incomplete",
    )


def read_result(line: bytes) -> _Result:
    """One line of output. Raises Undecodable when it is none."""
    try:
        result = _result(line)
        if result.recordId is not None:
            return result
    except Undecodable:
        pass
    odd = _odd(line)
    if odd.custom_id is not None:
        error = _error_in(odd)
        return _Result(odd.custom_id, _metered(odd.answer) if error is None else None, error)
    answered = bytes(odd.modelOutput) != b"null"
    return _Result(_text_in(odd.recordId), _Output() if answered else None, _error_of(odd.error))


def _metered(body: msgspec.Raw) -> _Output | None:
    """The usage in the body of an answer; None where there is no body."""
    try:
        return None if bytes(body) == b"null" else _output(bytes(body))
    except Undecodable:
        return _Output()


def _error_in(result: _Odd) -> _Error | None:
    """The error of a line of AWS's or OpenAI's shape."""
    if result.custom_id is None:
        return _error_of(result.error)
    error = error_in(result.response, result.error)
    return None if error is None else _Error(**error)


def _error_of(raw: msgspec.Raw) -> _Error | None:
    """An error of any shape: one that is no object of AWS's members is kept as what it says."""
    try:
        return _error(bytes(raw))
    except Undecodable:
        return _Error(errorMessage=_text_in(raw) or bytes(raw).decode(errors="replace")[:_SHOWN_CHARS])


def _text_in(raw: msgspec.Raw) -> str | None:
    try:
        return _text(bytes(raw))
    except Undecodable:
        return None


def _named(error: _Error) -> str:
    return f"{error.errorCode}: {error.errorMessage}" if error.errorCode is not None else str(error.errorMessage)


def _whole(line: bytes) -> bool:
    try:
        read_result(line)
    except Undecodable:
        return False
    return True
