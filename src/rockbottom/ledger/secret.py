"""The secret of a ledger: prefix hashes are keyed with it, so that nobody can guess a prompt from its hashes."""

import os
import secrets
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from rockbottom.files import make_folder, private

KEY_BYTES = 32
KEY = "key"


def ledger_key(folder: Path, random: Callable[[int], bytes] = secrets.token_bytes, *, shared: bytes = b"") -> bytes:
    """The folder's secret of 32 bytes, made at the first time (mode 0600). Raises OSError.

    Several processes may ask at once: the first one's stays. ``shared`` is a secret of a fleet: ledgers whose key is
    made from the same one name the same prefix alike, so that they can be read as one.
    """
    path = folder / KEY
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) == KEY_BYTES:
        return key
    make_folder(folder)
    draft = folder / f".{KEY}-{os.getpid()}-{random(4).hex()}"
    descriptor = private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        os.write(descriptor, blake2b(shared, digest_size=KEY_BYTES).digest() if shared else random(KEY_BYTES))
        os.close(descriptor)
        _put(draft, path, replace=bool(key))
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()


def _put(draft: Path, path: Path, replace: bool) -> None:
    if replace:  # a key of another length was cut short by a full disk
        os.replace(draft, path)
        return
    try:
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first
    except OSError:  # a file system without hard links
        os.replace(draft, path)
