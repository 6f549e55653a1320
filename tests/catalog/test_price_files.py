"""A user's price file: what it may hold, how it lies on top, and how its faults are named."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from rockbottom.catalog import InvalidPrice, InvalidPriceFile, PriceBook, Scope, Tier, load_catalog
from rockbottom.catalog.price_files import COLUMNS, REQUIRED, rows_of_lines
from rockbottom.quantities import Source, Unit

HEADER = "model,scope,tier,unit,usd_per_mtok,valid_from"
NOVA = ("amazon.nova-pro-v1:0", Scope.IN_REGION, Tier.DEFAULT, Unit.INPUT)


def book(tmp_path: Path, *lines: str, header: str = HEADER) -> PriceBook:
    path = tmp_path / "mine.csv"
    path.write_text("\n".join((header, *lines)) + "\n")
    return PriceBook.read(path)


def test_a_users_row_wins_from_its_day_on(tmp_path: Path) -> None:
    """A private price of 0.5 from November 2026 leaves October's published 0.8 alone."""
    mine = book(tmp_path, "amazon.nova-pro-v1:0,in_region,default,input,0.5,2026-11-01")
    both = load_catalog().price_book.overlay(mine)
    assert both.price(*NOVA, date(2026, 10, 31)).usd_per_mtok == Decimal("0.8")
    found = both.price(*NOVA, date(2026, 11, 1))
    assert found.usd_per_mtok == Decimal("0.5")
    assert found.place.endswith("mine.csv:2")


def test_a_users_row_that_ended_gives_way_again(tmp_path: Path) -> None:
    """valid_to is exclusive; after it the published row is back."""
    mine = book(
        tmp_path, "amazon.nova-pro-v1:0,in_region,default,input,0.5,2026-11-01,2026-12-01", header=HEADER + ",valid_to"
    )
    both = load_catalog().price_book.overlay(mine)
    assert both.price(*NOVA, date(2026, 11, 30)).usd_per_mtok == Decimal("0.5")
    assert both.price(*NOVA, date(2026, 12, 1)).usd_per_mtok == Decimal("0.8")


@pytest.mark.parametrize("known_source", [True, False], ids=["packaged", "a user's"])
@pytest.mark.parametrize("valid_to", ["2026-10-31", "2026-11-01"])
def test_a_row_that_ends_before_it_begins_is_refused_on_every_path(known_source: bool, valid_to: str) -> None:
    """It would never be in force, and nobody would hear of it; both readers of rows say where it stands."""
    source = Source("aws", "AWS price list", "https://aws.example/prices", date(2026, 11, 1))
    lines = [f"{HEADER},valid_to,source", f"m,us,default,input,1,2026-11-01,{valid_to},aws"]
    with pytest.raises(InvalidPriceFile, match="must be later than valid_from") as caught:
        list(rows_of_lines(lines, "prices.csv", {"aws": source} if known_source else {}))
    assert (caught.value.line, caught.value.column) == (2, "valid_to")


def test_a_price_made_in_a_program_may_not_end_before_it_begins() -> None:
    """The same for rows that no file holds, and for changes of a row."""
    row = load_catalog().price_book.price(*NOVA, date(2026, 11, 1))
    with pytest.raises(InvalidPrice, match="valid_to must be later than valid_from"):
        replace(row, valid_to=row.valid_from)
    assert replace(row, valid_to=row.valid_from + timedelta(days=1)).in_force(row.valid_from)


def test_a_file_may_bring_models_nobody_has_heard_of(tmp_path: Path) -> None:
    """A price for a model of one's own needs no entry in the catalogue."""
    mine = book(tmp_path, "acme.model-1,in_region,default,input,7,2026-01-01")
    found = mine.price("acme.model-1", Scope.IN_REGION, Tier.DEFAULT, Unit.INPUT, date(2026, 1, 1))
    assert found.usd_per_mtok == 7
    assert found.source.title.startswith("price file")


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("m,mars,default,input,1,2026-01-01", "scope", "must be one of in_region, us"),
        ("m,us,fast,input,1,2026-01-01", "tier", "must be one of default"),
        ("m,us,default,reads,1,2026-01-01", "unit", "must be one of input"),
        ("m,us,default,input,-1,2026-01-01", "usd_per_mtok", "US dollars per million"),
        ("m,us,default,input,NaN,2026-01-01", "usd_per_mtok", "US dollars per million"),
        ("m,us,default,input,cheap,2026-01-01", "usd_per_mtok", "US dollars per million"),
        ("m,us,default,input,1,yesterday", "valid_from", "must be a date"),
        (",us,default,input,1,2026-01-01", "model", "must not be empty"),
    ],
)
def test_a_fault_names_line_and_column(tmp_path: Path, line: str, column: str, said: str) -> None:
    """The second data line is line 3 of the file."""
    with pytest.raises(InvalidPriceFile, match=rf"mine\.csv:3, column {column}: .*{said}") as raised:
        book(tmp_path, "m,us,default,input,1,2026-01-01", line)
    assert (raised.value.line, raised.value.column) == (3, column)


def test_a_missing_column_an_unknown_one_and_a_short_line_are_named(tmp_path: Path) -> None:
    """Header faults name the column; a line with too few cells names the line."""
    with pytest.raises(InvalidPriceFile, match="lacks the column 'unit'"):
        book(tmp_path, header="model,scope,tier,usd_per_mtok,valid_from")
    with pytest.raises(InvalidPriceFile, match="unknown column 'price'"):
        book(tmp_path, header=HEADER + ",price")
    with pytest.raises(InvalidPriceFile, match=r"mine\.csv:2 has 3 cells where the header has 6"):
        book(tmp_path, "m,us,default")


def test_an_absent_file_and_an_empty_one_are_said_plainly(tmp_path: Path) -> None:
    """No traceback of the file system reaches the user."""
    with pytest.raises(InvalidPriceFile, match="cannot be read"):
        PriceBook.read(tmp_path / "nowhere.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InvalidPriceFile, match="is empty"):
        PriceBook.read(tmp_path / "empty.csv")


def test_what_is_no_table_is_said_plainly(tmp_path: Path) -> None:
    """A cell longer than Python's reader of CSV takes (131,072 characters), and a device without an end."""
    (tmp_path / "mine.json").write_text("[" * 200_000)
    with pytest.raises(InvalidPriceFile, match=r"mine\.json:1 is not a row of CSV: field larger than field limit"):
        PriceBook.read(tmp_path / "mine.json")
    with pytest.raises(InvalidPriceFile, match=r"/dev/zero cannot be read: .*larger than"):
        PriceBook.read(Path("/dev/zero"))


def test_the_columns_of_the_reference_page_are_the_columns(repo: Path) -> None:
    """docs/reference/prices.md lists every column, marks the needed ones, and its example can be read."""
    page = (repo / "docs" / "reference" / "prices.md").read_text()
    table = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    assert tuple(cells[1].strip(" `") for cells in table) == COLUMNS
    assert tuple(cells[1].strip(" `") for cells in table if cells[2].strip() == "yes") == REQUIRED


def test_the_example_of_the_reference_page_can_be_read(repo: Path, tmp_path: Path) -> None:
    """The CSV block of docs/reference/prices.md is a price file."""
    page = (repo / "docs" / "reference" / "prices.md").read_text()
    header, *lines = page.split("```csv\n")[1].split("```")[0].splitlines()
    assert len(book(tmp_path, *lines, header=header).rows) == 2
