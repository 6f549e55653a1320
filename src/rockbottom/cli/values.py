"""Values that options of several commands take: amounts, addresses, files that will be written."""

import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from rockbottom.files import named

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:  # an older click, which may be installed too, has no argument there
    ParamType = click.ParamType

MOST = Decimal(10**12)
"""No count of a month is larger."""


class Dollars(ParamType):
    """A limit in US dollars."""

    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"'{value}' is not an amount of US dollars", param, ctx)
        if not amount.is_finite() or amount <= 0:
            self.fail("the limit must be above zero", param, ctx)
        return amount


class Number(ParamType):
    """A decimal number above zero, or with ``zero`` not below it; commas or underscores may separate thousands."""

    name = "N"

    def __init__(self, *, zero: bool = False) -> None:
        self.zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The number; fails on what is none, on a negative one and, unless ``zero``, on zero."""
        try:
            number = Decimal(str(value).replace(",", "").replace("_", "").lstrip("$"))
        except InvalidOperation:
            self.fail(f"'{value}' is not a number", param, ctx)
        if not number.is_finite() or number < 0 or (not number and not self.zero):
            self.fail(f"{value} must be {'at least' if self.zero else 'above'} zero", param, ctx)
        if number > MOST or 0 < number < 1 / MOST:
            self.fail(f"{value} is not a number that a month could have", param, ctx)
        return number


class Url(ParamType):
    """The address of an endpoint."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address as it was given; fails where no endpoint can be at it."""
        try:
            parts = urlsplit(str(value))
            whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # brackets that do not close, a port that is no number
            whole = False
        if not whole or any(sign.isspace() for sign in str(value)):
            self.fail(f"'{value}' is not the address of an endpoint, as in http://127.0.0.1:4747", param, ctx)
        return str(value)


class NewFile(click.Path):
    """A file that will be written at the end, and that must be writable now."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; fails when its folder takes no file. A missing folder is made when the file is written."""
        super().convert(value, param, ctx)
        path = Path(str(value))
        folder = path.parent
        nearest = next(candidate for candidate in (folder, *folder.absolute().parents) if candidate.exists())
        if not nearest.is_dir():
            self.fail(f"cannot write '{path}': '{nearest}' is not a folder", param, ctx)
        if not path.exists() and not os.access(nearest, os.W_OK):
            self.fail(f"cannot write '{path}': the folder '{nearest}' is not writable", param, ctx)
        return path


def write_new(path: Path, text: str) -> None:
    """Write such a file, and its folder where that is missing."""
    with named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
