"""What was measured, written down while it arrives: one folder a run, one JSON line a turn.

``run.json`` holds what was asked; ``turns.jsonl`` holds what came back. A line that was cut off by a crash is
dropped when the folder is read again, and everything before it is kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from rockbottom.bench.errors import InvalidRun
from rockbottom.files import content_of, folder_made, named, private
from rockbottom.quantities import Undecodable, Usage, decoded

SETTINGS, TURNS = "run.json", "turns.jsonl"


@dataclass(frozen=True, slots=True)
class PassKey:
    """One walk of the whole workload: a model, a lane, and which repeat of it (from 0)."""

    model: str
    lane: str
    repeat: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One turn as it was measured; times in milliseconds, ``at`` in ISO 8601."""

    key: PassKey
    conversation: int
    turn: int
    label: str
    usage: Usage
    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    points: int
    latency_ms: float | None
    elapsed_ms: float
    first_ms: float | None
    at: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A pass that is over: ``done``, ``refused`` (with the service's words) or ``unfinished``."""

    key: PassKey
    status: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What a run was asked to do; a run is resumed only with the same."""

    workload: str
    digest: str
    models: tuple[str, ...]
    lanes: tuple[str, ...]
    repeats: int
    endpoint: str
    region: str
    started_at: str
    nonce: str = ""
    note: str = ""
    sent: str = ""  # digest of what of the workload reaches a model
    canned: bool = False  # answers are a local endpoint's


@dataclass(slots=True)
class Notebook:
    """The results of one run, in memory and, when it has a folder, on disk."""

    settings: BenchSettings
    folder: Path | None = None
    turns: list[Measured] = field(default_factory=list[Measured])
    ends: dict[PassKey, Ended] = field(default_factory=dict[PassKey, Ended])
    _file: IO[bytes] | None = None
    _fresh: bool = False  # the folder was made for this run
    _made_runs: bool = False  # and so was the folder around it

    def add(self, turn: Measured) -> None:
        """Keep one turn; it is on disk when this returns."""
        self.turns.append(turn)
        self._write("turn", turn)

    def end(self, ended: Ended) -> None:
        """Keep how a pass ended."""
        self.ends[ended.key] = ended
        if ended.status != "unfinished":
            self._write("end", ended)

    def of(self, key: PassKey) -> list[Measured]:
        """The turns of a pass, in order."""
        return [turn for turn in self.turns if turn.key == key]

    def close(self) -> None:
        """Close the file; the notebook can still be read."""
        if self._file:
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Take a new folder away again when nothing came back, so that no empty run is left behind."""
        self.close()
        if self.folder is None or not self._fresh or self.turns:
            return
        if any(ended.status != "unfinished" for ended in self.ends.values()):
            return
        (self.folder / SETTINGS).unlink(missing_ok=True)
        self.folder.rmdir()
        if self._made_runs and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()

    def _write(self, kind: str, record: Any) -> None:
        if self.folder is None:
            return
        if self._file is None:
            self._file = open(self.folder / TURNS, "ab", opener=private)  # noqa: SIM115  # closed by close
        with named(self.folder / TURNS):
            self._file.write(msgspec.json.encode({"kind": kind, **asdict(record)}) + b"\n")
            self._file.flush()


def new_notebook(settings: BenchSettings, runs: Path | None, slug: str) -> Notebook:
    """An empty notebook in a folder of its own, ``runs/<slug>-<n>``; ``runs`` None keeps nothing on disk."""
    if runs is None:
        return Notebook(settings)
    is_new = not runs.exists()
    try:
        with folder_made(runs):
            return _new_folder(settings, runs, slug, is_new)
    except OSError as error:
        raise InvalidRun(
            f"no folder for results can be made in {runs.absolute()}: {error.strerror}",
            fix="--runs FOLDER puts results where you may write, such as --runs ~/rockbottom-runs",
        ) from error


def _new_folder(settings: BenchSettings, runs: Path, slug: str, made_runs: bool) -> Notebook:
    number = 1
    while True:
        folder = runs / f"{slug}-{number}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
            continue
        try:
            with open(folder / SETTINGS, "wb", opener=private) as file:
                file.write(msgspec.json.format(msgspec.json.encode(asdict(settings)), indent=2))
        except BaseException:
            (folder / SETTINGS).unlink(missing_ok=True)
            folder.rmdir()
            raise
        return Notebook(settings, folder, _fresh=True, _made_runs=made_runs)


def open_notebook(folder: Path) -> Notebook:
    """The notebook of an earlier run; raises InvalidRun when the folder is not one."""
    try:
        settings = decoded(content_of(folder / SETTINGS), BenchSettings)
    except (OSError, Undecodable) as error:
        why = f"{folder / SETTINGS}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise InvalidRun(
            f"{folder} is not the folder of a run: {why}", fix="ls runs/ shows the runs of this folder"
        ) from error
    notebook = Notebook(settings, folder)
    for event in _events(folder / TURNS):
        if isinstance(event, Measured):
            notebook.turns.append(event)
        else:
            notebook.ends[event.key] = event
    return notebook


def _events(path: Path) -> Iterator[Measured | Ended]:
    """Whole lines only. A line that a crash cut short is taken off the file, so that the next one starts clean."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        path.write_bytes(whole)
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            is_turn = decoded(line, dict[str, Any])["kind"] == "turn"
            yield decoded(line, Measured) if is_turn else decoded(line, Ended)
        except (Undecodable, KeyError) as error:
            raise InvalidRun(f"{path}:{number}: not a line of results: {error}") from error
