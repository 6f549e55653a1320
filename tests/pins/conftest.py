"""The helpers of this folder, and a pin file that is not there yet."""

from pathlib import Path

import pytest


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    return tmp_path / "rockbottom-pins.toml"
