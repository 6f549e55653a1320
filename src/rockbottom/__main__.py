"""``python -m rockbottom``: the same as the console script."""

import sys

from rockbottom.cli import main

sys.exit(main())
