"""What a record says of its call, where ledgers are, and the secret of their hashes."""

import threading
from decimal import Decimal
from pathlib import Path

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.ledger import CallRecord, chosen_folder, default_folder, ledger_key, picousd_of, usd_of_picousd


def test_the_hit_rate_is_what_was_read_of_the_whole_prompt() -> None:
    """900 read, 50 uncached and 50 written are 90 %; without input there is no rate."""
    call = CallRecord(0.0, "m", "Converse", input=50, cache_read=900, cache_write_5m=20, cache_write_1h=30)
    assert call.hit_rate == 0.9
    assert call.usage.total_input == call.total_input == 1000
    assert CallRecord(0.0, "m", "Converse").hit_rate is None


def test_the_saving_is_against_no_caching_and_unknown_without_a_price() -> None:
    """A write that is never read costs more than no caching: the saving is negative."""
    assert CallRecord(0.0, "m", "o", cost_usd="0.3", uncached_usd="0.2").saved_usd == Decimal("-0.1")
    assert CallRecord(0.0, "m", "o").saved_usd is None


def test_a_pico_dollar_is_fine_enough_for_every_price_of_the_catalogue() -> None:
    """One token at any price row is a whole number of pico-dollars, so that sums of integers are exact."""
    for price in load_catalog().price_book.rows:
        one = price.usd_per_mtok / 1_000_000
        assert usd_of_picousd(picousd_of(str(one))) == one


@pytest.mark.parametrize(
    ("wanted", "env", "folder"),
    [
        (None, {}, None),
        (None, {"ROCKBOTTOM_LEDGER": "0"}, None),
        (None, {"ROCKBOTTOM_LEDGER": "1", "XDG_STATE_HOME": "/s"}, "/s/rockbottom/ledger"),
        (None, {"ROCKBOTTOM_LEDGER": "/var/ledger"}, "/var/ledger"),
        (True, {"XDG_STATE_HOME": "/s"}, "/s/rockbottom/ledger"),
        (True, {"ROCKBOTTOM_LEDGER": "/var/ledger"}, "/var/ledger"),
        ("/mine", {"ROCKBOTTOM_LEDGER": "/var/ledger"}, "/mine"),
        (False, {"ROCKBOTTOM_LEDGER": "/var/ledger"}, None),
    ],
)
def test_the_caller_decides_before_the_environment(wanted: object, env: dict[str, str], folder: str | None) -> None:
    """Off unless asked for; a folder given is the folder used."""
    assert chosen_folder(wanted, env) == (Path(folder) if folder else None)


def test_the_default_folder_is_below_the_state_of_the_user() -> None:
    """Without any variable it is where such files live by convention."""
    assert default_folder({}) == Path("~/.local/state/rockbottom/ledger").expanduser()


def test_processes_that_ask_for_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    """One secret a folder, readable by its owner alone."""
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(ledger_key(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
