"""Values that options of several commands take: amounts, days, Regions, addresses, files that will be written."""

import os
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from errno import ELOOP
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from rockbottom.files import folder_made, named, private, replacing
from rockbottom.quantities import RockbottomError, is_account, is_role_arn

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:  # an older click, which may be installed too, has no argument there
    ParamType = click.ParamType

MOST = Decimal(10**12)
"""No count of a month is larger."""

_MOST_COUNTED = 10**9


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

    def __init__(self, *, zero: bool = False, most: Decimal = MOST) -> None:
        self.zero, self.most = zero, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The number; fails on what is none, on a negative one and, unless ``zero``, on zero."""
        try:
            number = Decimal(str(value).replace(",", "").replace("_", "").lstrip("$"))
        except InvalidOperation:
            self.fail(f"'{value}' is not a number", param, ctx)
        if not number.is_finite() or number < 0 or (not number and not self.zero):
            self.fail(f"{value} must be {'at least' if self.zero else 'above'} zero", param, ctx)
        if number > self.most or 0 < number < 1 / MOST:
            self.fail(f"{value} is not a number that a month could have", param, ctx)
        return number


class Count(click.IntRange):
    """A whole number that fits wherever counts go: a range without an end goes as far as a billion."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; fails on what is none, or out of the range."""
        count: int = super().convert(value, param, ctx)
        if abs(count) > _MOST_COUNTED:
            self.fail(f"{value} is more than a billion", param, ctx)
        return count


class Decimals(click.FloatRange):
    """A number with decimals: neither ``nan``, which click takes to be in any range, nor one without an end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; fails on what is none, or out of the range."""
        number: float = super().convert(value, param, ctx)
        if not abs(number) <= float(MOST):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class Day(ParamType):
    """A day, written as in ISO 8601."""

    name = "DAY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day; fails on what is none."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date()
        except ValueError as error:
            text = f"{_option(param)} takes a day, as in 2026-11-30; not {str(value)!r}"
            raise click.UsageError(text, ctx) from error


class Instant(ParamType):
    """An instant in ISO 8601, in seconds since the epoch; a day is its beginning, and without a zone it is UTC."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The instant; fails on what is none."""
        if isinstance(value, float):
            return value
        try:
            return instant(str(value))
        except ValueError as error:
            text = f"{_option(param)} takes a day or an instant, as in 2026-11-30T14:00; not {str(value)!r}"
            raise click.UsageError(text, ctx) from error


def instant(text: str) -> float:
    """Seconds since the epoch of a day or an instant in ISO 8601; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _option(param: click.Parameter | None) -> str:
    return param.opts[0] if param is not None else "this"


class UnknownRegion(RockbottomError):
    """AWS has no Region of that name."""


class Region(ParamType):
    """An AWS Region; with ``any_too`` also ``*``, which a policy takes."""

    name = "REGION"

    def __init__(self, *, any_too: bool = False) -> None:
        self.any_too = any_too

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The Region as it was given; raises UnknownRegion."""
        return str(value) if self.any_too and value == "*" else known_region(str(value))


def known_region(name: str) -> str:
    """The Region itself, where there is one of that name; raises UnknownRegion with the nearest.

    A Region opened after the catalogue was written is known from pulled prices or from the botocore that is there.
    """
    from rockbottom.catalog import load_catalog, regions

    if name in regions() or name in {row.region for row in load_catalog().price_book.rows}:
        return name
    known = {*regions(), *_regions_of_botocore()}
    if name in known:
        return name
    from difflib import get_close_matches  # only once somebody mistyped

    near = get_close_matches(name, sorted(known), n=3)
    near.sort(key=lambda candidate: sorted(candidate) != sorted(name))  # letters that changed places come first
    suggestion = f"; the nearest are {', '.join(near)}" if near else ""
    fix = f"--region {near[0] if near else 'us-east-1'}; for a Region newer than this copy, upgrade boto3"
    raise UnknownRegion(f"unknown Region '{name}'{suggestion}", fix=fix)


def _regions_of_botocore() -> set[str]:
    from rockbottom.process import bare_session

    try:
        session = bare_session()
    except ModuleNotFoundError:
        return set()
    partitions = session.get_available_partitions()
    return {name for partition in partitions for name in session.get_available_regions("ec2", partition)}


class Account(ParamType):
    """The number of an AWS account; with ``any_too`` also ``*``, which a policy takes."""

    name = "ID"

    def __init__(self, *, any_too: bool = False) -> None:
        self.any_too = any_too

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The number as it was given; fails on what is none."""
        if not is_account(str(value)) and not (self.any_too and value == "*"):
            self.fail(f"{str(value)!r} is not the number of an AWS account: twelve digits", param, ctx)
        return str(value)


class Tag(ParamType):
    """A tag, or another pair of a name and a value."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Name and value; fails where one of the two is not told from the other."""
        key, equals, text = str(value).partition("=")
        if not equals or not key:
            self.fail(f"{str(value)!r} is not KEY=VALUE, as in team=search", param, ctx)
        return key, text


class RoleArn(ParamType):
    """The ARN of a role."""

    name = "ARN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The ARN as it was given; fails on what is none."""
        if not is_role_arn(str(value)):
            self.fail(f"{str(value)!r} is not the ARN of a role, as in arn:aws:iam::123456789012:role/NAME", param, ctx)
        return str(value)


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


prices_option: Any = click.option(
    "--prices",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own price rows (CSV), before the packaged ones.",
)


class Folder(click.Path):
    """A folder, or the name of one that is not there yet; no device or pipe, which ``click.Path`` takes for one."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Its path; fails on what is there and is no folder."""
        super().convert(value, param, ctx)
        path = Path(str(value))
        if path.exists() and not path.is_dir():
            self.fail(f"'{path}' is not a folder", param, ctx)
        return path


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
    """Write such a file in one step, and its folder where that is missing; what is new is its owner's alone.

    Pages, tables and training data hold tags, names of tenants or what was said. A full disk leaves what was there.
    """
    with named(path), folder_made(path.parent):
        if path.exists() and not path.is_file():  # a device or a pipe takes it as it comes
            with open(path, "w", encoding="utf-8", opener=private) as file:
                file.write(text)
            return
        target = Path(os.path.realpath(path))
        if target.is_symlink():  # to itself; resolve() raises what is no OSError before Python 3.13
            raise OSError(ELOOP, os.strerror(ELOOP))
        with replacing(target) as beside:
            beside.write_text(text, encoding="utf-8")
