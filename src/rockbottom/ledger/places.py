"""Where ledgers are: the folder that the environment or a caller names, and the files in it."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

ON = ("1", "true", "yes", "on")
OFF = ("", "0", "false", "no", "off")
_VOLUME = re.compile(r"calls-(\d{6,})\.ndjson")

_FIRST_BYTES = 4096

NOTES = "notes.ndjson"
"""What the ledger lost or gave up: volumes removed, calls dropped."""


class Volume(NamedTuple):
    """One file of records. A higher number was begun later."""

    number: int
    path: Path

    def ended_before(self, instant: float) -> bool:
        """Whether every call in it left before, so that it need not be read: a call is written when it has ended."""
        try:
            return self.path.stat().st_mtime < instant
        except FileNotFoundError:  # removed since it was listed
            return True


def default_folder(env: Mapping[str, str]) -> Path:
    """The ledger's folder: ``ROCKBOTTOM_LEDGER`` where that is a path, else below the user's state folder.

    A user without a home, as a container may run as, has the root for one; where nothing can be made there, calls are
    recorded in memory alone.
    """
    named = env.get("ROCKBOTTOM_LEDGER", "").strip()
    if named.lower() not in (*ON, *OFF):
        return Path(named).expanduser()
    state = env.get("XDG_STATE_HOME") or "~/.local/state"
    try:
        folder = Path(state).expanduser()
    except RuntimeError:
        folder = Path("/.local/state")
    return folder / "rockbottom" / "ledger"


def chosen_folder(setting: object, env: Mapping[str, str]) -> Path | None:
    """The folder to record in, or None: do not record.

    ``setting`` is True (the default folder), a folder, False (never) or None (as ``ROCKBOTTOM_LEDGER`` says).
    """
    if setting is False:
        return None
    if setting is None:
        return None if env.get("ROCKBOTTOM_LEDGER", "").strip().lower() in OFF else default_folder(env)
    return default_folder(env) if setting is True else Path(str(setting)).expanduser()


def volume_path(folder: Path, number: int) -> Path:
    return folder / f"calls-{number:06}.ndjson"


def identity_of(path: Path) -> int:
    """What tells a volume from another of the same name, and is the same in a copy: its first line, as 62 bits.

    An inode would not do: a ledger that was copied or restored with its index would be counted twice. Raises OSError.
    """
    with path.open("rb") as file:
        first = file.readline(_FIRST_BYTES)
    return int.from_bytes(blake2b(first, digest_size=8).digest()) >> 2


def volumes_of(folder: Path) -> list[Volume]:
    """The volumes of a ledger, oldest first; none where the folder is not there or cannot be listed."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    matches = ((match, name) for name in names if (match := _VOLUME.fullmatch(name)))
    return sorted(Volume(int(match[1]), folder / name) for match, name in matches)


def is_volume(name: str) -> bool:
    """Whether a file of this name is a volume of a ledger."""
    return _VOLUME.fullmatch(name) is not None


def ledgers_in(folder: Path) -> list[Path]:
    """The folder where it is a ledger, and the ledgers below it at any depth, in order of name."""
    return sorted({path.parent for path in folder.rglob("calls-*.ndjson") if is_volume(path.name)})


def is_ledger(source: str) -> bool:
    """Whether this is the folder or a file of a ledger."""
    path = Path(source)
    files = [path] if path.is_file() else [volume.path for volume in volumes_of(path)]
    return bool(files) and files[0].name.startswith("calls-") and files[0].suffix == ".ndjson"
