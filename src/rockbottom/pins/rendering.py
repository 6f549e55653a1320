"""Requests from files and functions, rendered more than once so that what changes by itself is seen at once.

A function runs in two processes of its own, twice in each, with different seeds for the order of sets: text with a
clock, an id or a counter differs between two calls, an order that comes from a set between two processes.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rockbottom.figures import duration
from rockbottom.files import content_of
from rockbottom.pins.errors import NotRendered
from rockbottom.quantities import Undecodable, decoded, is_list

_TIMEOUT_S = 120.0
_SEEDS = ("1", "2")


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a source gives: one request in ``calls``, or several that should be the same.

    ``turns`` are the later requests where the source gives a whole conversation. ``file`` and ``line`` are where a
    person mends it.
    """

    name: str
    source: str
    calls: tuple[Mapping[str, Any], ...]
    turns: tuple[Mapping[str, Any], ...] = ()
    file: str = ""
    line: int = 1


def is_function(source: str) -> bool:
    """Whether a source is ``module:function`` or ``file.py:function`` rather than a JSON file."""
    head, colon, name = source.rpartition(":")
    return bool(colon and head and name.isidentifier()) and not Path(source).is_file()


def rendered(
    source: str, name: str | None = None, *, folder: Path | None = None, timeout_s: float = _TIMEOUT_S
) -> Rendering:
    """The requests of a source; relative names are of ``folder``. Raises NotRendered.

    A file holds the arguments of converse() or invoke_model(), or a list of them: the turns of a conversation. A
    function takes no arguments and returns the same.
    """
    where = (folder or Path.cwd()).resolve()
    if is_function(source):
        return _of_function(source, name or source, where, timeout_s)
    return _of_file(source, name or Path(source).stem, where)


def seen_from(folder: Path, source: str) -> str:
    """A source that was named in the current folder, as it is named in another; a module's name stays what it is."""
    file, colon, name = source.rpartition(":") if is_function(source) else (source, "", "")
    if colon and not file.endswith(".py"):
        return source
    return f"{Path(os.path.relpath(file, folder)).as_posix()}{colon}{name}"


def rendered_all(
    chosen: Sequence[tuple[str, str | None]], folder: Path, on_progress: Callable[[int], None] = lambda done: None
) -> list[Rendering | NotRendered]:
    """The renderings of sources with their names, or why there is none, in their order; functions run side by side.

    ``on_progress`` is called with the number of those that are done.
    """

    def attempt(source_and_name: tuple[str, str | None]) -> Rendering | NotRendered:
        try:
            return rendered(*source_and_name, folder=folder)
        except NotRendered as error:
            return error

    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
    renderings: list[Rendering | NotRendered] = []
    try:
        for rendering in pool.map(attempt, chosen):
            renderings.append(rendering)
            on_progress(len(renderings))
    finally:
        pool.shutdown(cancel_futures=True)  # after ctrl-C nothing further is started
    return renderings


def _of_file(source: str, name: str, folder: Path) -> Rendering:
    path = folder / source
    try:
        value = decoded(content_of(path))
    except FileNotFoundError as error:
        message = f"{source} does not exist"
        raise NotRendered(f"{message}.", fix="give a JSON file or module:function", gone=True) from error
    except OSError as error:
        raise NotRendered(f"{source} cannot be read: {error.strerror}.") from error
    except Undecodable as error:
        raise NotRendered(f"{source} cannot be read as JSON: {error}") from error
    requests = _requests(value, source)
    return Rendering(name, source, (requests[0],), tuple(requests[1:]), source)


def _requests(value: Any, source: str) -> Sequence[Mapping[str, Any]]:
    """One request, or the turns of a conversation."""
    requests: Sequence[Any] = value if is_list(value) else [value]
    if not requests or not all(isinstance(request, Mapping) for request in requests):
        kind = type(value).__name__
        raise NotRendered(
            f"{source} gives {'an empty list' if not requests else f'a {kind}'}; it should give the arguments "
            "of converse() or invoke_model(), or a list of them, one for each turn."
        )
    return requests


def _of_function(source: str, name: str, folder: Path, timeout_s: float) -> Rendering:
    with tempfile.TemporaryDirectory(prefix="rockbottom-") as scratch:
        answers = [Path(scratch) / f"{number}.json" for number in range(len(_SEEDS))]
        started = [_start(source, answer, seed, folder) for answer, seed in zip(answers, _SEEDS, strict=True)]
        try:
            outputs = [process.communicate(timeout=timeout_s)[0] for process in started]
        except subprocess.TimeoutExpired as error:
            raise NotRendered(f"{source} did not return within {duration(timeout_s)}.") from error
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        documents = [_answer(source, answer, text) for answer, text in zip(answers, outputs, strict=True)]
    calls = [_requests(value, source) for document in documents for value in document["calls"]]
    turns = tuple(calls[0][1:])
    return Rendering(
        name, source, tuple(document[0] for document in calls), turns, documents[0]["file"], documents[0]["line"]
    )


def _start(source: str, answer: Path, seed: str, folder: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.setdefault("PYTHONHASHSEED", seed)  # one that was chosen on purpose is the same in production
    package = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), package]))
    argv = [sys.executable, "-m", "rockbottom.pins.calling", source, str(answer)]
    return subprocess.Popen(
        argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _answer(source: str, answer: Path, output: bytes) -> dict[str, Any]:
    try:
        document = decoded(answer.read_bytes())
    except (OSError, Undecodable) as error:
        last = output.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it printed nothing"]
        raise NotRendered(f"{source} ended without a request: {last[0]}") from error
    if "error" in document:
        raise NotRendered(document["error"], fix=document.get("fix"), gone=bool(document.get("gone")))
    return document
