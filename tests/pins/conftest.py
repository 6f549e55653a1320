"""The helpers of this folder, and a pin file that is not there yet."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    return tmp_path / "rockbottom-pins.toml"
