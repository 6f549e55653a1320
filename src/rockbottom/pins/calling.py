"""Calls one function in a process of its own and writes what it returned: ``python -m rockbottom.pins.calling``.

The user's code may print what it likes: only the file named on the command line is read.
"""

import asyncio
import importlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from rockbottom.quantities import is_list, is_object

_CALLS = 2


def main(argv: list[str]) -> int:
    """Call ``argv[0]`` twice; write the outcome to ``argv[1]``."""
    source, answer = argv
    try:
        outcome = _called(source)
    except Exception as error:
        outcome = {"error": f"{source} raised {type(error).__name__}: {error}"}
    Path(answer).write_text(json.dumps(outcome), encoding="utf-8")
    return 0


def _called(source: str) -> dict[str, Any]:
    head, _, name = source.rpartition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = _module(head)
    except (ModuleNotFoundError, FileNotFoundError) as error:
        missing = getattr(error, "name", None)
        gone = missing is None or head == missing or head.startswith(f"{missing}.")
        return {
            "error": f"{source}: {error}",
            "gone": gone,
            "fix": "modules are looked for in this folder and on PYTHONPATH",
        }
    function = getattr(module, name, None)
    if not callable(function):
        fault = "has no function" if function is None else "has a value, not a function,"
        return {"error": f"{head} {fault} named {name}.", "gone": function is None}
    needed = _needed(function)
    if needed:
        return {"error": f"{source} needs arguments ({', '.join(needed)}); rockbottom check calls it without any."}
    calls = [_plain(_returned(function)) for _ in range(_CALLS)]
    file, line = _place(function)
    return {"calls": calls, "file": file, "line": line}


def _module(head: str) -> ModuleType:
    if not head.endswith(".py"):
        return importlib.import_module(head)
    path = Path(head)
    if not path.is_file():
        raise FileNotFoundError(f"{head} does not exist")
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _needed(function: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    free = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind not in free
    ]


def _returned(function: Callable[..., Any]) -> Any:
    value = function()
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def _plain(value: Any) -> Any:
    """The request as JSON values; the bytes of a body are its text, other bytes base64 as on the wire."""
    from rockbottom.prompt import json_bytes

    if is_list(value):
        return [_plain(element) for element in value]
    if is_object(value) and isinstance(value.get("body"), bytes | bytearray):
        value = {**value, "body": bytes(value["body"]).decode("utf-8", "replace")}
    return json.loads(json_bytes(value))


def _place(function: Callable[..., Any]) -> tuple[str, int]:
    try:
        inner = inspect.unwrap(function)
        file = Path(inspect.getsourcefile(inner) or "").resolve()
        line = inspect.getsourcelines(inner)[1]
    except (OSError, TypeError):
        return "", 1
    here = Path.cwd()
    return (str(file.relative_to(here)) if file.is_relative_to(here) else str(file)), line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
