"""What the optional packages are for, and how one installs them beside this very copy of rockbottom.

An extra (``rockbottom[watch]``) names the packages that one purpose needs. ``install_command`` writes the command that
adds an extra where this copy is: it came from an index, a wheel, a checkout or a URL, and pip, uv, ``uv tool``, ``uvx``
or pipx keeps its environment. ``needing`` turns a package that is not installed into ``MissingExtra``, which says so.
What an extra parses, YAML, is decoded here, for every room that reads it.
"""

from rockbottom.extras.missing import MissingExtra, install_command, missing, needing, upgrade_command
from rockbottom.extras.yaml_fields import Field, at_line, json_field, yaml_field
from rockbottom.extras.yaml_structs import yaml_struct

__all__ = [
    "Field",
    "MissingExtra",
    "at_line",
    "install_command",
    "json_field",
    "missing",
    "needing",
    "upgrade_command",
    "yaml_field",
    "yaml_struct",
]
