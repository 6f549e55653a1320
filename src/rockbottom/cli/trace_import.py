"""The import of a large source, part by part: a progress bar, and parts kept until all are done."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import msgspec

from rockbottom.cli.bars import bar
from rockbottom.files import folder_made, replacing
from rockbottom.trace import (
    Damages,
    LogReader,
    ReaderSettings,
    Reading,
    ReadPart,
    assembled,
    notes_of,
    read_parquet,
    reader_of,
    write_parquet,
)


def imported(source: str, out: Path, settings: ReaderSettings, name: str | None) -> Reading:
    """The source read and written to ``out``. What is done is kept in ``<out>.parts`` until all is done."""
    reader = reader_of(source, name)
    names = list(reader.parts(source))
    folder = out.with_name(out.name + ".parts")
    if len(names) > 1:
        with folder_made(folder):
            settings = replace(settings, key=_key_in(folder))
            parts = list(_parts(reader, names, folder, settings))
    else:
        parts = [reader.read(part, replace(settings, key=_new_key())) for part in names]
    reading = assembled(reader.name, parts)
    write_parquet(reading.trace, out, _notes(reading))
    if folder.is_dir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    return reading


def _new_key() -> bytes:
    """A secret for block hashes."""
    return secrets.token_bytes(32)


def _key_in(folder: Path) -> bytes:
    """The secret of the import that these parts belong to; drawn when the first of them is read."""
    file = folder / "key"
    if not file.exists():
        with replacing(file) as beside:  # never half a secret
            beside.write_bytes(_new_key())
    return file.read_bytes()


def _parts(reader: LogReader, names: list[str], folder: Path, settings: ReaderSettings) -> Iterator[ReadPart]:
    with bar(reader.name, len(names)) as moved:
        for done, name in enumerate(names, 1):
            yield _part(reader, name, folder, settings)
            moved(done)


class _PartNotes(msgspec.Struct, frozen=True):
    """What is kept of a part beside its trace."""

    damages: Damages
    bytes_read: int


def _part(reader: LogReader, name: str, folder: Path, settings: ReaderSettings) -> ReadPart:
    identity = f"{_identity(name)} {settings.by}".encode()
    file = folder / f"{blake2b(identity, digest_size=12).hexdigest()}.parquet"
    if file.exists():
        try:
            trace, notes = read_parquet(file), msgspec.convert(notes_of(file), _PartNotes)
            return ReadPart(trace, notes.damages, notes.bytes_read)
        except (ValueError, msgspec.ValidationError):
            pass  # it was damaged while it lay there: read again from where it came
    part = reader.read(name, settings)
    write_parquet(part.trace, file, msgspec.to_builtins(_PartNotes(part.damages, part.bytes_read)))
    return part


def _identity(name: str) -> str:
    path = Path(name)
    if not path.exists():
        return name
    stat = path.stat()
    return json.dumps([name, stat.st_size, stat.st_mtime_ns])


def _notes(reading: Reading) -> dict[str, object]:
    return {
        "format": reading.reader,
        "damaged_lines": reading.damages.count,
        "duplicates": reading.duplicates,
        "out_of_order": reading.reordered,
    }
