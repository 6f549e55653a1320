"""What README shows of the demo is what the demo prints."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_shows_what_the_demo_prints():
    """The block between the demo markers is compared line by line with a run of the demo's first command."""
    command = [sys.executable, str(ROOT / "scripts" / "readme_demo.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
