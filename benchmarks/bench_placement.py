"""The short form of the placement benchmark; benchmarks/placement/README.md tells of the whole."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.placement.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["--short", *sys.argv[1:]]))
