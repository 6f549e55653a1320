"""Where ``rockbottom.toml`` is, and one setting of it for whoever has no time for all of them."""

import os
from pathlib import Path

FILE = "rockbottom.toml"


def nearest_file() -> Path | None:
    """The file in the current folder, or in the nearest one above it that has one."""
    try:
        here = Path.cwd()
    except OSError:  # the folder was removed
        return None
    # os.path, which takes a folder that may not be looked into for one that holds nothing
    return next((folder / FILE for folder in (here, *here.parents) if os.path.isfile(folder / FILE)), None)


def setting_of_file(name: str) -> Path | None:
    """A path that the nearest file sets at its top; None where none does. Raises ValueError for what is no TOML."""
    file = nearest_file()
    if file is None:
        return None
    import tomllib  # only where there is a file

    value = tomllib.loads(file.read_text(encoding="utf-8")).get(name)
    return file.parent / Path(value).expanduser() if isinstance(value, str) and value else None
