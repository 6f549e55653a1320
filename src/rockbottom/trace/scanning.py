"""Compiled scanning of JSON lines of numbers. Needs numba."""

import numpy as np

from rockbottom.trace.columns import Array
from rockbottom.trace.compiling import compiled, inlined

_NEWLINE, _QUOTE, _COLON, _COMMA, _SPACE, _TAB, _RETURN = 10, 34, 58, 44, 32, 9, 13
_OPEN, _CLOSE, _BRACE, _END, _DOT = 91, 93, 123, 125, 46
_ZERO, _TEN, _ONE = np.uint64(48), np.uint64(10), np.uint64(1)

_M1, _M2, _STEP = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


@inlined
def mix(value: np.uint64, first: np.uint64, second: np.uint64) -> np.uint64:
    """A permutation of 64-bit numbers chosen by a key (splitmix64's finisher, twice)."""
    x = (value ^ first) + _STEP
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    x = (x ^ (x >> _S31)) ^ second
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    return x ^ (x >> _S31)


def mix_ids(ids: Array, first: int, second: int) -> Array:
    """Every id mixed with the key."""
    return _mix_all(ids, np.uint64(first), np.uint64(second))


@compiled
def _mix_all(ids: Array, first: np.uint64, second: np.uint64) -> Array:
    out = np.empty(len(ids), np.uint64)
    for i in range(len(ids)):
        out[i] = mix(ids[i], first, second)
    return out


def scan_mooncake(data: Array, size: int, keep: bool, key: tuple[int, int] | None) -> tuple[Array, ...]:
    """Lines of Mooncake's format: instants (s), tokens in and out, blocks per request, prefixes, depths, the rest.

    Ids are mixed with the ``key``; without one they are prefixes as they are.
    ``data`` ends with a newline. The rest are the lines not of the usual spelling: number from 0, first byte, end.
    """
    lines, numbers = _counts(data)
    arrays = (
        np.empty(lines, np.float64), np.empty(lines, np.int32), np.empty(lines, np.int32), np.empty(lines, np.int32),
        np.empty(numbers, np.uint64), np.empty(numbers, np.int32), np.empty((lines, 3), np.int64),
    )  # fmt: skip
    words = [np.uint64(word) for word in key or (0, 0)]
    rows, blocks, odd = _scan(data, size, keep, key is not None, words[0], words[1], *arrays)
    at, tokens_in, tokens_out, counts, prefix, depth, strange = arrays
    return at[:rows], tokens_in[:rows], tokens_out[:rows], counts[:rows], prefix[:blocks], depth[:blocks], strange[:odd]


# Places are unsigned numbers throughout: with signed ones every access would first look whether it counts
# from the end, which makes the loop three times slower. Loops end at the newline, which no token contains.


@compiled
def _counts(data: Array) -> tuple[int, int]:
    """Lines, and at most how many ids they hold."""
    lines = 0
    commas = 0
    for i in range(len(data)):
        lines += data[i] == _NEWLINE
        commas += data[i] == _COMMA
    return lines, max(commas - 2 * lines, 0)


@compiled
def _scan(
    data: Array, size: int, keep: bool, mixed: bool, first: np.uint64, second: np.uint64,
    at: Array, tokens_in: Array, tokens_out: Array, counts: Array, prefix: Array, depth: Array, strange: Array,
) -> tuple[int, int, int]:  # fmt: skip
    rows, blocks, odd, line = 0, 0, 0, 0
    start, total = np.uint64(0), np.uint64(len(data))
    while start < total:
        end, instant, length, output, listed = _line(data, start, prefix[blocks:])
        if end > start:
            whole = length // size
            if keep and length % size:
                whole += 1
            count = int(min(listed, whole))
            if mixed:
                for j in range(count):
                    prefix[blocks + j] = mix(prefix[blocks + j], first, second)
            for j in range(count):
                depth[blocks + j] = min((j + 1) * size, length)
            at[rows] = instant / 1000.0
            tokens_in[rows] = length
            tokens_out[rows] = output
            counts[rows] = count
            blocks += count
            rows += 1
        else:
            end = _newline(data, start)
            if _skip(data, start) < end:
                strange[odd, 0], strange[odd, 1], strange[odd, 2] = line, start, end
                odd += 1
        start = end + _ONE
        line += 1
    return rows, blocks, odd


@inlined
def _newline(data: Array, i: np.uint64) -> np.uint64:
    while data[i] != _NEWLINE:
        i += _ONE
    return i


@inlined
def _skip(data: Array, i: np.uint64) -> np.uint64:
    """The next byte that is neither space, tab nor carriage return."""
    while data[i] == _SPACE or data[i] == _TAB or data[i] == _RETURN:
        i += _ONE
    return i


@inlined
def _line(data: Array, start: np.uint64, ids: Array) -> tuple[np.uint64, float, int, int, np.int64]:
    """One line: its end (``start``: not of the usual spelling), timestamp, lengths, ids put in ``ids``."""
    instant, length, output, listed, members = 0.0, 0, 0, np.int64(0), 0
    i = _skip(data, start)
    if data[i] != _BRACE:
        return start, 0.0, 0, 0, np.int64(0)
    i += _ONE
    while True:
        i = _skip(data, i)
        if data[i] != _QUOTE:
            return start, 0.0, 0, 0, np.int64(0)
        i, member = _member(data, i + _ONE)
        i = _skip(data, i)
        if member < 0 or data[i] != _COLON:
            return start, 0.0, 0, 0, np.int64(0)
        i = _skip(data, i + _ONE)
        before = i
        if member == 3:
            i, listed = _ids(data, i, ids)
        else:
            i, value, whole = _number(data, i)
            if member == 0:
                instant = value
            elif not whole or value > 2147483647.0:
                return start, 0.0, 0, 0, np.int64(0)
            elif member == 1:
                length = int(value)
            else:
                output = int(value)
        if i == before:
            return start, 0.0, 0, 0, np.int64(0)
        members |= 1 << member
        i = _skip(data, i)
        if data[i] == _COMMA:
            i += _ONE
            continue
        if data[i] != _END or members != 15:
            return start, 0.0, 0, 0, np.int64(0)
        i = _skip(data, i + _ONE)
        return (i if data[i] == _NEWLINE else start), instant, length, output, listed


@inlined
def _member(data: Array, i: np.uint64) -> tuple[np.uint64, int]:
    """The place behind a member's name, and which it is: the index into _NAMES, or -1."""
    start = i
    while data[i] != _QUOTE and data[i] != _NEWLINE:
        i += _ONE
    length = np.int64(i - start)
    member = 0 if length == 9 else 1 if length == 12 else 2 if length == 13 else 3 if length == 8 else -1
    if member >= 0:
        for j in range(length):
            if data[start + np.uint64(j)] != _NAMES[member, j]:
                member = -1
                break
    return (i + _ONE if data[i] == _QUOTE else i), member


_NAMES = np.array(
    [list(name.ljust(13, b" ")) for name in (b"timestamp", b"input_length", b"output_length", b"hash_ids")], np.uint8
)


@inlined
def _number(data: Array, i: np.uint64) -> tuple[np.uint64, float, bool]:
    """The place behind a number that is not negative (the same place: none there), its value, whether it is whole."""
    start, value, scale = i, np.uint64(0), 1.0
    digit = np.uint64(data[i]) - _ZERO
    while digit < _TEN:
        value = value * _TEN + digit
        i += _ONE
        digit = np.uint64(data[i]) - _ZERO
    if i == start or i - start > np.uint64(15):
        return start, 0.0, False
    if data[i] != _DOT:
        return i, float(value), True
    i += _ONE
    dot = i
    digit = np.uint64(data[i]) - _ZERO
    while digit < _TEN:
        value = value * _TEN + digit
        scale *= 10.0
        i += _ONE
        digit = np.uint64(data[i]) - _ZERO
    if i == dot or i - start > np.uint64(16):
        return start, 0.0, False
    return i, float(value) / scale, False


@inlined
def _ids(data: Array, start: np.uint64, ids: Array) -> tuple[np.uint64, np.int64]:
    """The place behind a list of integers (``start``: none there), and how many were put in ``ids``."""
    count = np.uint64(0)
    if data[start] != _OPEN:
        return start, np.int64(0)
    i = _skip(data, start + _ONE)
    if data[i] == _CLOSE:
        return i + _ONE, np.int64(0)
    room = np.uint64(len(ids))
    while count < room:
        if data[i] == _SPACE:
            i += _ONE
        first, value = i, np.uint64(0)
        digit = np.uint64(data[i]) - _ZERO
        while digit < _TEN:
            value = value * _TEN + digit
            i += _ONE
            digit = np.uint64(data[i]) - _ZERO
        if i == first or i - first > np.uint64(19):
            return start, np.int64(0)
        ids[count] = value
        count += _ONE
        if data[i] == _CLOSE:
            return i + _ONE, np.int64(count)
        if data[i] != _COMMA:
            return start, np.int64(0)
        i += _ONE
    return start, np.int64(0)
