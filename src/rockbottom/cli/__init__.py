"""The command line: arguments in, text or JSON out.

``main`` is the console script. Starting it imports click and nothing else; a command's module is
imported when that command runs. A command returns None, or calls ``ctx.exit(code)`` with a code of
``rockbottom.cli.exits.Exit``; errors are raised and turned into one message and a code in ``commandline``.
"""

import sys
from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rockbottom.cli.commandline import root

__all__ = ["main", "root"]


def main(args: Sequence[str] | None = None) -> int:
    """Run one command line (``sys.argv`` by default) and return its exit code."""
    argv = list(sys.argv[1:] if args is None else args)
    if argv == ["status"]:
        from rockbottom.cli.today import said_quickly  # without click: a prompt waits for it

        if said_quickly():
            return 0
    try:
        from rockbottom.cli.commandline import run
    except KeyboardInterrupt:  # nothing has begun that could say it better
        sys.stderr.write("rockbottom: interrupted\n")
        return 130
    return run(argv)


def __getattr__(name: str) -> "Any":
    if name != "root":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rockbottom.cli.commandline import root

    return root
