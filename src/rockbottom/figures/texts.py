"""Texts that fit where they are printed."""

import re

_CODE = re.compile(r"\x1b\[[0-9;]*m")
_VENDOR = re.compile(r"^[a-z0-9]+\.(?=[^=]+$)")
_BROAD = 100
_SPACES = re.compile(r"( +)")
_ADDRESS = re.compile(r" *[a-z0-9]+://\S+$")
_COMMAND = re.compile(r" +(?:rockbottom|python|pip|uv|uvx|pipx|aws|export) [^;,]*$")


def room(text: str) -> int:
    """Columns that a text takes: codes of colour none, signs of East Asia two, marks that join the sign before none."""
    if text.isascii():
        return len(text) if "\x1b" not in text else len(_CODE.sub("", text))
    return sum(map(_columns, _CODE.sub("", text)))


def _columns(sign: str) -> int:
    if sign.isascii():
        return 1
    from unicodedata import category, east_asian_width  # only where a text needs it

    if category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(sign) in "WF" else 1


def paragraph(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """The lines of a text, none wider than ``width``: the first begins with ``first``, the others with ``rest``.

    A line breaks between words and never at a hyphen, so that a model id can be copied; a word wider than a line is
    cut. No line for no text.
    """
    lines: list[str] = []
    line, empty, gap = first, True, ""
    for word in _SPACES.split(" ".join(text.split("\n"))):
        if not word or word.isspace():
            gap = word or gap
            continue
        if not empty and room(line) + len(gap) + room(word) > width:
            lines.append(line)
            line, empty = rest, True
        while empty and room(word) > width - room(line) > 0:
            part = _beginning(word, width - room(line))
            lines.append(line + part)
            line, word = rest, word[len(part) :]
        line, empty, gap = line + ("" if empty else gap) + word, False, ""
    return lines if empty else [*lines, line]


def indented(text: str, width: int, indent: int = 1) -> list[str]:
    """A paragraph ``indent`` columns in; its further lines stand three more in."""
    space = " " * indent
    return paragraph(text, width, space, space + "   ")


def _beginning(word: str, width: int) -> str:
    """As much of a word as fits, a sign at least."""
    beginning = ""
    for sign in word:
        if beginning and room(beginning + sign) > width:
            break
        beginning += sign
    return beginning


def folded(line: str, width: int) -> list[str]:
    """A line as it is, or in several that fit ``width``: the further ones stand two columns further in.

    Of a command every line but the last ends with a backslash, and an address stays whole: both can be copied.
    """
    if room(line) <= width or _ADDRESS.match(line):
        return [line]
    indent = line[: len(line) - len(line.lstrip(" "))][: width // 3]
    if _COMMAND.match(line):
        *begun, last = paragraph(line, width - 2, indent, f"{indent}  ")
        return [*(f"{part} \\" for part in begun), last]
    return paragraph(line, width, indent, f"{indent}  ")


def printable(text: str) -> str:
    """Text that does nothing to a terminal: control characters, which a tag or a name may hold, become ``?``."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in text)


def visible(text: str) -> str:
    """Text whose signs the eye cannot see are escapes: controls, marks that join the sign before, odd spaces."""
    return text if text.isascii() and text.isprintable() else "".join(map(_seen, text))


def uncontrolled(text: str) -> str:
    """Text whose control characters are escapes (``\\u001b``): for files, which may be shown in a terminal."""
    return text if text.isprintable() else "".join(map(_harmless, text))


def _harmless(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 32 or 127 <= ord(sign) < 160 else sign


def _seen(sign: str) -> str:
    from unicodedata import category

    unseen = category(sign)[0] in "CZM" and sign != " "
    return sign if not unseen else f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


def narrow_name(name: str, width: int) -> str:
    """What a row is called in fewer than 100 columns: ids lose their vendor, prefixes the word tokens."""
    return name if width >= _BROAD else _VENDOR.sub("", name).replace(" tokens, ", ", ")


def clipped(text: str, width: int, mark: str = "…") -> str:
    """Text of at most ``width`` columns, with ``mark`` where it was cut."""
    if room(text) <= width:
        return text
    return _beginning(text, max(0, width - len(mark))).rstrip() + mark if width > len(mark) else mark[:width]
