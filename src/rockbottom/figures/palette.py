"""The one palette: styles of a terminal, and the colours of pages, light and dark.

A style is named after what it says (``good``, ``warn``), a colour of a page after what it stands for (``read`` for
tokens read from the cache). Colour repeats what words say and never says something alone.
"""

_CODES = {"dim": "2", "bold": "1", "good": "32", "bad": "31", "warn": "33"}

_LIGHT = {
    "ground": "#ffffff", "ink": "#1b1f24", "soft": "#5b6470", "line": "#dde1e6", "panel": "#f6f7f9", "read": "#0b8a62",
    "write": "#d98a00", "uncached": "#8b93a0", "output": "#2166ac", "good": "#0b7a55", "bad": "#b3261e",
    "warn": "#8a5a00", "warn-ground": "#fdf3dc",
}  # fmt: skip
_DARK = {
    "ground": "#14171b", "ink": "#e8eaed", "soft": "#a2abb6", "line": "#323840", "panel": "#1c2127", "read": "#35c295",
    "write": "#f0ad3d", "uncached": "#78818d", "output": "#69aee8", "good": "#4bd0a5", "bad": "#ff8a80",
    "warn": "#f0c36b", "warn-ground": "#2c2515",
}  # fmt: skip


class Paint:
    """Puts colour around text, or nothing where colour is not wanted."""

    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def __call__(self, text: str, style: str) -> str:
        """The text in a style; unknown and empty styles change nothing."""
        code = _CODES.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text


def page_colours() -> str:
    """The colours as variables of CSS (``var(--read)``), for a page that is light or dark as its reader is."""
    light, dark = _variables(_LIGHT), _variables(_DARK)
    return (
        f":root {{ color-scheme: light dark; {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
    )


def colour(name: str) -> str:
    """A colour on a light ground, ``#0b8a62``, where CSS cannot choose. Raises KeyError for an unknown name."""
    return _LIGHT[name]


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
