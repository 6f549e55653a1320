"""Texts that fit where they are printed."""


def paragraph(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """The lines of a text, none wider than ``width``: the first begins with ``first``, the others with ``rest``.

    A line breaks between words and never at a hyphen, so that a model id can be copied; a word wider than a line is
    cut. No line for no text.
    """
    from textwrap import wrap  # only when there is something to print

    return wrap(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def printable(text: str) -> str:
    """Text that does nothing to a terminal: control characters, which a tag or a name may hold, become ``?``."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in text)


def visible(text: str) -> str:
    """Text whose signs the eye cannot see are escapes: controls, marks that join the sign before, odd spaces."""
    return text if text.isascii() and text.isprintable() else "".join(map(_seen, text))


def _seen(sign: str) -> str:
    from unicodedata import category

    unseen = category(sign)[0] in "CZM" and sign != " "
    return sign if not unseen else f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


def clipped(text: str, width: int, mark: str = "…") -> str:
    """Text of at most ``width`` characters, with ``mark`` where it was cut."""
    return text if len(text) <= width else text[: max(0, width - len(mark))].rstrip() + mark
