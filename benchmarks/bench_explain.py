"""The short form of the explain benchmark; benchmarks/explain/README.md tells of the whole."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.explain.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["--seeds", "2", *sys.argv[1:]]))
