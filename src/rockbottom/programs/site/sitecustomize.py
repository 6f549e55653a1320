"""Imported by every Python that ``rockbottom run`` starts, because PYTHONPATH names its folder.

It has to do no harm in any Python, so it is written in what every Python 3 understands. The sitecustomize that would
have been imported without it is imported after it, under its name.
"""

import os
import sys


def _begin() -> None:
    try:
        from rockbottom.programs import begin

        begin()
    except Exception as error:
        _say(error)


def _say(error: Exception) -> None:
    """Say once, of all that is started, why this Python runs without; nothing where it could not call Bedrock."""
    from importlib.util import find_spec

    if os.environ.get("ROCKBOTTOM_RUN_SAID") or find_spec("botocore") is None:
        return
    os.environ["ROCKBOTTOM_RUN_SAID"] = "1"
    why = type(error).__name__ + ": " + str(error)
    sys.stderr.write(
        "rockbottom: " + sys.executable + " runs without rockbottom, which it cannot import (" + why + ")\n"
    )


def _next():
    """The sitecustomize behind ours: of an instrumentor, of the distribution."""
    from importlib.machinery import PathFinder

    here = os.path.dirname(os.path.abspath(__file__))
    return PathFinder.find_spec("sitecustomize", [path for path in sys.path if os.path.abspath(path) != here])


_begin()
_found = _next()
if _found is not None and _found.loader is not None:
    from importlib.util import module_from_spec

    sys.modules["sitecustomize"] = module_from_spec(_found)
    _found.loader.exec_module(sys.modules["sitecustomize"])
