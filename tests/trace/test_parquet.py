"""A trace in Parquet: what is read is what was written, or nothing."""

import random

import numpy as np
import pytest

from rockbottom.trace import ReaderSettings, Trace, UnreadableSource, read_trace
from rockbottom.trace.parquet import read_parquet, write_parquet

FLIPS = 300


@pytest.fixture
def written(tmp_path):
    """A small trace of block ids in a file."""
    lines = [f'{{"timestamp": {1000 * n}, "input_length": {600 + n}, "output_length": 7, "hash_ids": [{n % 5}, {n}]}}'
             for n in range(50)]  # fmt: skip
    (tmp_path / "m.jsonl").write_text("\n".join(lines) + "\n")
    trace = read_trace(str(tmp_path / "m.jsonl"), ReaderSettings(partial_blocks="keep")).trace
    path = tmp_path / "trace.parquet"
    write_parquet(trace, path, {"made": "by hand"})
    return trace, path


def same(one: Trace, two: Trace) -> bool:
    """Whether every column and every name is the same."""
    columns = zip(one.columns(), two.columns(), strict=True)
    return one.names == two.names and all(np.array_equal(left, right) for (_, left), (_, right) in columns)


def test_what_is_read_is_what_was_written(written):
    """Every column, every name."""
    trace, path = written
    assert same(trace, read_parquet(path))


def test_no_single_bit_that_flips_goes_unnoticed(written):
    """Anywhere in the file, footer included: refused, or of no effect on anything that is read."""
    trace, path = written
    data, chance = path.read_bytes(), random.Random(7)
    refused = 0
    for _ in range(FLIPS):
        changed = bytearray(data)
        bit = chance.randrange(8 * len(data))
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            assert same(trace, read_parquet(path)), f"bit {bit} gives other numbers without a word"
        except ValueError:
            refused += 1
    assert refused > FLIPS // 3


def test_a_damaged_file_is_one_message(written):
    """Which file, and how to make it anew."""
    _, path = written
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1  # within the pages of a column
    path.write_bytes(data)
    with pytest.raises(UnreadableSource, match=r"trace\.parquet: damaged") as refused:
        read_trace(str(path))
    assert "trace import" in (refused.value.fix or "")
