"""Where results are kept."""

import pytest

from rockbottom.bench.errors import InvalidRun
from rockbottom.bench.notebook import new_notebook


def test_a_folder_that_cannot_be_made_says_what_was_tried(tmp_path):
    """A file stands where the folder should be: the path, and the option that names another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidRun, match=r"no folder for results can be made in .*file/runs") as caught:
        new_notebook(None, tmp_path / "file" / "runs", "slug")  # type: ignore[arg-type]
    assert "--runs FOLDER" in (caught.value.fix or "")
