"""Pages of the reference that are made from the code: written, or with ``--check`` compared."""

import sys
from pathlib import Path


def written_or_checked(page: Path, text: str) -> int:
    """The exit code of a script that makes ``page``: 1 where it is only to be checked and differs from ``text``."""
    if "--check" not in sys.argv:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == text:
        return 0
    print(f"docs/reference/{page.name} is out of date: run `make docs`", file=sys.stderr)
    return 1
