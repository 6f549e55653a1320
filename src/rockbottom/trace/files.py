"""Files of recorded traffic, in a folder or under an S3 prefix, read as text in pieces.

What is packed with gzip, bzip2 or xz is unpacked, whatever its name; zstd and zip are named. What PowerShell and others
write as UTF-16 or with a byte order mark becomes UTF-8.
"""

import codecs
import gzip
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from rockbottom.quantities import RockbottomError, reason_of
from rockbottom.trace.addresses import CHUNK_BYTES, UnreadableSource, is_log_group, is_s3

_HEAD_BYTES = 65_536
_PACKED = b"\x1f\x8b"
_BZIP2, _XZ = b"BZh", b"\xfd7zXZ\x00"
_UNREAD = {b"\x28\xb5\x2f\xfd": "with zstd", b"PK\x03\x04": "in a zip archive"}
"""How files begin that are packed in a way that is not read."""
_LAYERS = 2  # a subscription packs its records, and what delivers them may pack the file once more
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_WITHOUT_MARK = {(False, True): "utf-16-le", (True, False): "utf-16-be"}
"""Which of two bytes of a character is zero: text that begins in ASCII has one zero in each."""


class CutShort(RockbottomError):
    """A file that cannot be read to its end: cut off, damaged, or withheld. What was read before it counts."""


def files_of(source: str) -> Sequence[str]:
    """The file itself, or every file below a folder or S3 prefix in order of name. Raises UnreadableSource."""
    if is_log_group(source):
        return [source]
    if is_s3(source):
        return _s3().keys(source)
    path = Path(source)
    if path.is_file():
        return [source]
    files = sorted(str(file) for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    if not files:
        what = (
            "the folder holds no file" if path.is_dir()
            else "neither a file nor a folder" if path.exists()
            else "no such file or folder"
        )  # fmt: skip
        raise UnreadableSource(f"{source}: {what}")
    return files


def _s3() -> Any:
    """What speaks to S3, by name: only ``s3://`` sources need it, and whoever reads columns knows no network."""
    return import_module("rockbottom.trace.s3")


def log_groups() -> Any:
    """What speaks to CloudWatch Logs, by name, as what speaks to S3."""
    return import_module("rockbottom.trace.log_groups")


def objects_of(source: str, after: str = "") -> list[tuple[str, float]]:
    """Addresses of the objects under an S3 prefix, in order of name, and when each was written.

    ``after``: only those whose names come after this address. Raises UnreadableSource where S3 refuses.
    """
    return _s3().objects(source, after)


def local(name: str) -> Path:
    """The path of a file that must be on this machine. Raises UnreadableSource for an S3 address."""
    if is_s3(name) or is_log_group(name):
        raise UnreadableSource(
            f"{name}: this format is read from local files only", fix="copy it here first, with aws s3 cp"
        )
    return Path(name)


@contextmanager
def opened(name: str) -> Generator[IO[bytes]]:
    """The file for reading bytes, unpacked where it is packed. Raises OSError, UnreadableSource."""
    with ExitStack() as open_files:
        file: Any = open_files.enter_context(_opened(name))
        for _ in range(_LAYERS):
            unpacked = _unpacked(file)
            if unpacked is None:
                break
            file = open_files.enter_context(unpacked)
        packing = _UNREAD.get(file.peek(4)[:4])
        if packing is not None:
            raise UnreadableSource(f"{name} is packed {packing}, which is not read", fix="unpack it first")
        yield file


def _opened(name: str) -> IO[bytes]:
    if is_log_group(name):
        return log_groups().opened(name)
    return _s3().opened(name) if is_s3(name) else Path(name).open("rb")


def _unpacked(file: Any) -> IO[bytes] | None:
    """What is packed in a file; None: it is not packed, or in another way."""
    head = file.peek(len(_XZ))[: len(_XZ)]
    if head.startswith(_BZIP2):
        return cast(IO[bytes], import_module("bz2").BZ2File(file))
    if head == _XZ:
        return cast(IO[bytes], import_module("lzma").LZMAFile(file))
    if not head.startswith(_PACKED):
        return None
    try:
        from isal import igzip  # twice as fast as zlib where it is installed
    except ModuleNotFoundError:
        return cast(IO[bytes], gzip.GzipFile(fileobj=file, mode="rb"))
    return cast(IO[bytes], igzip.IGzipFile(fileobj=file, mode="rb"))


def chunks_of(name: str) -> Iterator[bytes]:
    """The text of a file as UTF-8, in pieces. Raises CutShort where it cannot be read on."""
    try:
        with opened(name) as file:
            yield from chunks_in(file)
    except Exception as error:
        if not _is_damage(error):
            raise
        raise CutShort(reason_of(error)) from error


def chunks_in(file: IO[bytes]) -> Iterator[bytes]:
    """The text of an open file as UTF-8, in pieces. Raises what reading it does."""
    first = file.read(CHUNK_BYTES)
    mark, encoding = _encoding_of(first)
    data = first[len(mark) :]
    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)("replace")
    while data:
        yield data if decoder is None else decoder.decode(data).encode("utf-8", "replace")
        data = file.read(CHUNK_BYTES)
    if decoder is not None:
        yield decoder.decode(b"", True).encode("utf-8", "replace")  # half a character, where the file was cut off


def head_of(name: str) -> bytes:
    """The first bytes, unpacked, as UTF-8; as many of them as can be read. Raises UnreadableSource where S3 refuses."""
    try:
        with opened(name) as file:
            head = file.read(_HEAD_BYTES)
    except UnreadableSource:
        raise
    except Exception as error:
        if not _is_damage(error):
            raise
        return b""
    mark, encoding = _encoding_of(head)
    if encoding == "utf-8":
        return head[len(mark) :]
    return codecs.getincrementaldecoder(encoding)("replace").decode(head[len(mark) :]).encode("utf-8", "replace")


def contents(name: str, limit: int) -> bytes:
    """A whole file as UTF-8 text. Raises CutShort, also where it is longer than ``limit`` bytes."""
    content = bytearray()
    for data in chunks_of(name):
        content += data
        if len(content) > limit:
            raise CutShort(f"longer than {limit >> 20} MB")
    return bytes(content)


def pieces_of(name: str, size: int = CHUNK_BYTES, longest: int = 64 << 20) -> Iterator[tuple[bytes, int]]:
    """Pieces of whole lines, of ``size`` bytes and more, each ending with a newline, and the number of its first line.

    Lines count from 1. Raises CutShort where the file cannot be read on, or a line is longer than ``longest`` bytes.
    """
    buffer, line = bytearray(), 1
    for data in chunks_of(name):
        buffer += data
        if len(buffer) < size:
            continue
        end = buffer.rfind(b"\n") + 1
        if end:
            piece = bytes(buffer[:end])
            del buffer[:end]
            yield piece, line
            line += piece.count(b"\n")
        elif len(buffer) >= longest:
            raise CutShort(f"line {line} is longer than {longest >> 20} MB")
    if buffer:
        yield bytes(buffer) if buffer.endswith(b"\n") else bytes(buffer) + b"\n", line


def is_utf8(head: bytes) -> bool:
    """Whether a text that begins so is UTF-8, and not of two or four bytes a sign."""
    return _encoding_of(head)[1] == "utf-8"


def _encoding_of(head: bytes) -> tuple[bytes, str]:
    """The byte order mark of a text, or none, and its encoding."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return mark, encoding
    zero = head[:1] == b"\0", head[1:2] == b"\0"
    return b"", _WITHOUT_MARK.get(zero, "utf-8")


_OF_OTHERS = ("botocore.", "urllib3.", "isal", "igzip", "_lzma")
"""Whose errors these are: of a connection that breaks off, of an unpacker that meets nonsense."""


def _is_damage(error: Exception) -> bool:
    """Whether reading a file raises this where it is cut off, damaged or withheld."""
    ours = isinstance(error, OSError | EOFError | zlib.error | UnreadableSource)
    return ours or type(error).__module__.startswith(_OF_OTHERS)
