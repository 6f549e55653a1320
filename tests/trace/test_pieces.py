"""Files read in pieces of whole lines."""

import pytest

from rockbottom.trace import CutShort
from rockbottom.trace.files import pieces_of


def test_a_file_is_never_held_as_a_whole(tmp_path):
    """Lines of 10 bytes in pieces of at least 2 MB, with the number of their first; what is read at once is a MB."""
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"123456789\n" * 600_000)
    pieces = list(pieces_of(str(path), 2 << 20))
    assert b"".join(piece for piece, _ in pieces) == path.read_bytes()
    assert max(len(piece) for piece, _ in pieces) <= 3 << 20
    assert [line for _, line in pieces] == [1 + sum(len(piece) for piece, _ in pieces[:n]) // 10 for n in range(3)]


def test_a_line_may_be_longer_than_a_piece(tmp_path):
    """A record with a picture in it."""
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"a" * (3 << 20) + b"\nb")
    assert [(len(piece), line) for piece, line in pieces_of(str(path))] == [((3 << 20) + 1, 1), (2, 2)]


def test_a_line_without_an_end_is_given_up(tmp_path):
    """What is no file of lines is not read into memory."""
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"a" * (3 << 20))
    with pytest.raises(CutShort, match="line 1 is longer than 2 MB"):
        list(pieces_of(str(path), longest=2 << 20))
