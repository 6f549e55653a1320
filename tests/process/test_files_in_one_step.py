"""A file that is replaced is the old one or the new one, and nothing else is ever replaced."""

import os
from pathlib import Path

import pytest

from rockbottom.files import replacing


def test_the_new_file_takes_the_place_of_the_old_one_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("old")
    with replacing(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["prices.csv"]
    assert path.read_text() == "new"


def test_a_block_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("old")
    with pytest.raises(OSError, match="No space left") as full, replacing(path) as beside:
        beside.write_text("ne")
        raise OSError(28, "No space left on device")
    assert full.value.filename == str(path)
    assert [file.name for file in tmp_path.iterdir()] == ["prices.csv"]
    assert path.read_text() == "old"


def test_a_folder_that_takes_no_file_is_told_by_the_name_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "nothing" / "page.html"
    with pytest.raises(FileNotFoundError) as refused, replacing(path):
        pass
    assert refused.value.filename == str(path)


def test_a_pipe_or_a_device_is_never_replaced(tmp_path: Path) -> None:
    """Whoever runs as root could lose /dev/stdout to a file of that name."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file") as refused, replacing(pipe):
        pass
    assert refused.value.filename == str(pipe)
    assert pipe.is_fifo()
