"""The pin file: TOML to be committed and read in a diff, written whole, safe for several processes at once.

Digests, tokens and places are in it, no text. Where text is wanted (``with_text``) each prefix lies beside it in a
folder, as the JSON that it is.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from rockbottom.figures import usd_exact
from rockbottom.files import alone, content_of, make_folder, replacing
from rockbottom.pins.bills import ConversationLimits
from rockbottom.pins.errors import DamagedPins, NameTaken, PinsNotWritable
from rockbottom.pins.pin import Pin, pin_of_table, row_of_block, row_of_pieces
from rockbottom.prompt import json_bytes
from rockbottom.quantities import Undecodable, decoded, digits_of, is_object, toml_of

DEFAULT_FILE = "rockbottom-pins.toml"
FORMAT = 1
"""Grows when digests are formed in another way: every pin would differ, and no prompt would have changed."""

_HEAD = """\
# Prefixes of prompts as they were accepted: hashes and tokens, no text. `rockbottom check` compares,
# `rockbottom check --accept` writes. Each block: place, kind, tokens, digest, and three digests that ignore the
# order of JSON keys, white space, and timestamps, ids and counters. Pieces: hashes under the key of each 32 characters
# of a block, which say where it changed.
"""
_SURROGATE = re.compile("[\ud800-\udfff]")


def nearest_file(folder: Path) -> Path:
    """The pin file of a folder or of the nearest one above it, up to the root of the repository; else its name here."""
    for place in (folder, *folder.parents):
        candidate = place / DEFAULT_FILE
        if candidate.is_file():
            return Path(os.path.relpath(candidate, folder))
        if (place / ".git").exists():
            break
    return Path(DEFAULT_FILE)


def read_pins(path: Path) -> dict[str, Pin]:
    """The pins of a file by name; none where there is no file. Raises DamagedPins, OSError."""
    try:
        text = content_of(path).decode()
    except FileNotFoundError:
        return {}
    except NotADirectoryError as error:
        raise _not_writable(path, error) from error
    except UnicodeDecodeError as error:
        raise _damaged(path, f"it is not UTF-8 ({error.reason})") from error
    return _pins_in(path, text)


def _pins_in(path: Path, text: str) -> dict[str, Pin]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<<", ">>>>>>>")):
            raise DamagedPins(
                f"{path}:{number} holds a merge conflict.",
                fix="keep either side, then: rockbottom check --accept",
            )
    try:
        document = toml_of(text)
    except Undecodable as error:
        raise _damaged(path, str(error)) from error
    if document.get("format") != FORMAT:
        file_format = document.get("format", "none")
        raise _damaged(path, f"its format is {file_format}; this version of rockbottom reads {FORMAT}")
    tables = document.get("prompts", {})
    if not is_object(tables):
        raise _damaged(path, "prompts is not a table")
    return {name: _pin(path, name, table) for name, table in tables.items()}


def _pin(path: Path, name: str, table: Any) -> Pin:
    try:
        return pin_of_table(name, table)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise _damaged(path, f"the pin {json.dumps(name)} cannot be read: {reason}") from error


def _damaged(path: Path, why: str) -> DamagedPins:
    return DamagedPins(
        f"{path} cannot be read as a pin file: {why}.",
        fix=f"restore it (git checkout {path.name}), or delete it and accept the prompts again",
    )


def text_of(pins: Mapping[str, Pin]) -> str:
    """The whole file, sorted by name."""
    tables = [_HEAD, f"format = {FORMAT}\n"]
    tables += ["\n" + _table(pins[name]) for name in sorted(pins)]
    return "".join(tables)


def _table(pin: Pin) -> str:
    lines = [
        f"[prompts.{_quoted(pin.name)}]",
        f"source = {_quoted(pin.source)}",
        f"model = {_quoted(pin.model)}",
        f"api = {_quoted(pin.api)}",
        f"prefix = {_quoted(pin.prefix)}",
        f"tokens = {pin.tokens}",
        f"tokens_are = {_quoted('counted' if pin.counted else 'estimated')}",
        f"caching = {_quoted(pin.caching)}",
        *_list("points", pin.points),
        f"sections = {_inline(pin.sections)}",
    ]
    if pin.parameters:
        lines.append(f"parameters = {_inline(pin.parameters)}")
    if pin.requests_per_month is not None:
        lines.append(f"requests_per_month = {pin.requests_per_month}")
    if pin.usd_per_month is not None and pin.priced_on is not None:
        lines.append(f"usd_per_month = {_quoted(usd_exact(pin.usd_per_month))}")
        lines.append(f"priced_on = {pin.priced_on.isoformat()}")
    if pin.limits is not None:
        lines.append(f"budget = {_inline(_budget(pin.limits))}")
    lines += _list("blocks", [row_of_block(block) for block in pin.blocks])
    if pin.key:
        lines.append(f"key = {_quoted(pin.key)}")
        lines += _list("pieces", [row_of_pieces(place, pieces) for place, pieces in pin.pieces.items()])
    return "\n".join(lines) + "\n"


def _budget(limits: ConversationLimits) -> dict[str, str]:
    members = {name: getattr(limits, name) for name in ("max_usd", "min_hit_rate", "gap_s", "output_tokens")}
    return {
        name: digits_of(value) if isinstance(value, Decimal) else str(value)
        for name, value in members.items()
        if value is not None
    }


def _list(name: str, values: Iterable[str]) -> list[str]:
    rows = [f"  {_quoted(value)}," for value in values]
    return [f"{name} = [", *rows, "]"] if rows else [f"{name} = []"]


def _inline(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{_quoted(key)} = {_quoted(value)}" for key, value in values.items()) + " }"


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's, but for halves of surrogate pairs and DEL."""
    whole = _SURROGATE.sub("\ufffd", text)
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def update_pins(
    path: Path, accepted: Mapping[str, Pin], removed: Iterable[str] = (), seen: Mapping[str, str] | None = None
) -> None:
    """Write these pins into the file, leaving what others wrote meanwhile.

    ``seen`` are the prefixes that the file held when the run began: a name that another process gave to another
    prefix since then raises NameTaken. Raises DamagedPins, PinsNotWritable.
    """
    with ExitStack() as open_locks:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            open_locks.enter_context(alone(path))
        except OSError as error:
            raise _not_writable(path, error) from error
        pins = read_pins(path)
        for name, pin in accepted.items():
            now = pins.get(name)
            if seen is not None and now is not None and now.prefix not in (seen.get(name), pin.prefix):
                raise name_taken(name, now.source, pin.source)
        for name in removed:
            pins.pop(name, None)
        pins.update(accepted)
        for left in path.parent.glob(f"{path.name}.*.part"):  # of a process that was killed while it wrote
            left.unlink(missing_ok=True)
        _write(path, text_of(pins), shared=True)  # it holds no text and is committed


def name_taken(name: str, first: str, second: str) -> NameTaken:
    """Two prompts under one name."""
    return NameTaken(
        f"Two prompts with different prefixes are named {json.dumps(name)}: {first} and {second}.",
        fix="give each a name of its own",
    )


def _write(path: Path, text: str, *, shared: bool) -> None:
    """Replace a file in one step, so that a reader sees the old one or the new one."""
    try:
        if shared:
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            make_folder(path.parent)
        with replacing(path, shared=shared) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise _not_writable(path, error) from error


def _not_writable(path: Path, error: OSError) -> PinsNotWritable:
    return PinsNotWritable(
        f"{path} cannot be written: {error.strerror or error}.",
        fix="make the folder writable, or name another file with --pins (pytest: --rockbottom-pins)",
    )


# -- the text, where it was asked for ---------------------------------------------------------------


def text_path(path: Path, name: str) -> Path:
    """Where the text of a prefix lies: in a folder beside the pin file."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60] or "prompt"
    mark = "" if plain == name else f"-{blake2b(name.encode('utf-8', 'replace'), digest_size=3).hexdigest()}"
    return path.with_suffix(".text") / f"{plain}{mark}.json"


def write_text(path: Path, name: str, request: Mapping[str, Any]) -> None:
    """Keep the text of a prefix. Raises PinsNotWritable."""
    try:
        plain = json.loads(json_bytes(request))
    except ValueError as error:  # half a surrogate pair
        raise PinsNotWritable(f"The text of {json.dumps(name)} cannot be kept: {error}.") from error
    _write(text_path(path, name), json.dumps(plain, indent=2, ensure_ascii=False) + "\n", shared=False)


def remove_text(path: Path, name: str) -> None:
    """Forget the text of a prefix, where any was kept."""
    try:
        text_path(path, name).unlink(missing_ok=True)
    except OSError as error:
        raise _not_writable(text_path(path, name), error) from error


def read_text(path: Path, name: str) -> dict[str, Any] | None:
    """The text that was kept of a prefix, None where none was or it cannot be read."""
    try:
        document = decoded(text_path(path, name).read_bytes())
    except (OSError, Undecodable):
        return None
    return cast(dict[str, Any], document) if isinstance(document, dict) else None
