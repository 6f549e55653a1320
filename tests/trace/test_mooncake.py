"""Mooncake's JSON lines, as published and otherwise spelled."""

import json
from pathlib import Path

import numpy as np
import pytest

from rockbottom.trace import ReaderSettings, read_trace
from rockbottom.trace.parquet import read_parquet, write_parquet

LINES = [
    {"timestamp": 0, "input_length": 1100, "output_length": 5, "hash_ids": [7, 8, 9]},
    {"timestamp": 1500, "input_length": 1024, "output_length": 6, "hash_ids": [7, 10]},
]


@pytest.fixture
def write(tmp_path: Path):
    """Writes lines and gives the path."""

    def written(*lines) -> str:
        path = tmp_path / "trace.jsonl"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        return str(path)

    return written


def test_columns(write):
    """512 tokens a block, the last one what is left; milliseconds become seconds; equal ids equal prefixes."""
    trace = read_trace(write(*LINES), ReaderSettings(partial_blocks="keep")).trace
    assert trace.blocks.depth.tolist() == [512, 1024, 1100, 512, 1024]
    assert trace.requests.at.tolist() == [0.0, 1.5]
    prefix = trace.blocks.prefix.tolist()
    assert prefix[0] == prefix[3]
    assert len(set(prefix)) == 4


def test_a_last_block_that_is_not_full_is_dropped_by_default(write):
    """Its tokens stay in the prompt."""
    trace = read_trace(write(*LINES)).trace
    assert trace.block_offsets.tolist() == [0, 2, 4]
    assert trace.requests.tokens_in.tolist() == [1100, 1024]


@pytest.mark.parametrize(
    "line",
    [
        '{"hash_ids":[7,8,9],"output_length":5,"input_length":1100,"timestamp":0}',
        '  {"timestamp" : 0.0 , "input_length":\t1100, "output_length": 5, "hash_ids": [ 7 ,8,9]}\r',
        '{"timestamp": 0, "input_length": 1100, "output_length": 5, "hash_ids": [7, 8, 9], "type": "text"}',
        '{"timestamp": 0e0, "input_length": 1100, "output_length": 5, "hash_ids": [7, 8, 9]}',
    ],
)
def test_any_valid_spelling_reads_the_same(write, line):
    """Order, blanks, further members and exponents make no difference."""
    usual = read_trace(write(LINES[0])).trace
    other = read_trace(write(line), name="mooncake").trace
    for (name, one), (_, two) in zip(usual.columns(), other.columns(), strict=True):
        assert np.array_equal(one, two), name


@pytest.mark.parametrize(
    "line",
    ['{"timestamp": 0, "input_length": 11', "[1, 2]", "text", '{"timestamp": 0, "input_length": -5, '
     '"output_length": 1, "hash_ids": []}', '{"timestamp": 0}'],
)  # fmt: skip
def test_damage_is_counted_and_located(write, line):
    """The line is skipped, the others are read."""
    reading = read_trace(write(LINES[0], line, LINES[1]), name="mooncake")
    assert len(reading.trace) == 2
    assert reading.damages.count == 1
    assert reading.damages.first[0].place.endswith(":2")


def test_parquet_gives_back_every_column(write, tmp_path):
    """What was written is what is read."""
    trace = read_trace(write(*LINES)).trace
    write_parquet(trace, tmp_path / "t.parquet")
    again = read_parquet(tmp_path / "t.parquet")
    for (name, one), (_, two) in zip(trace.columns(), again.columns(), strict=True):
        assert one.dtype == two.dtype, name
        assert np.array_equal(one, two), name
    assert again.names == trace.names
