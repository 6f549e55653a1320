"""Keys of callers: secrets are derived and never stored, rotation keeps the one before, a table survives."""

import os
import stat
import subprocess
import sys

import pytest

from rockbottom.gateway import BadConfiguration, KeyTable, key_secret, new_key, revoked, rotated

MASTER = b"m" * 48


@pytest.fixture
def table(tmp_path):
    return KeyTable(tmp_path / "keys.json", MASTER)


def test_a_secret_is_in_no_file(table, tmp_path):
    """The table holds ids, names and versions; the secret follows from the master secret."""
    key = new_key("a", 0.0)
    table.put(key)
    assert table.secret(key) not in (tmp_path / "keys.json").read_text()
    assert table.of_token(f"{key.id}.{table.secret(key)}") == key
    assert KeyTable(tmp_path / "keys.json", b"n" * 48).of_token(f"{key.id}.{table.secret(key)}") is None


def test_the_table_is_its_owners_alone(table, tmp_path):
    """It names who may call: mode 0600, whatever the umask."""
    old = os.umask(0)
    try:
        table.put(new_key("a", 0.0))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_a_rotated_key_takes_two_secrets_and_a_revoked_one_none(table):
    """The one before is taken until the next rotation."""
    first = new_key("a", 0.0)
    table.put(first)
    tokens = [f"{first.id}.{table.secret(first)}"]
    for _ in range(2):
        table.put(rotated(table.named("a")))
        tokens.append(f"{first.id}.{table.secret(table.named('a'))}")
    assert [table.of_token(token) is not None for token in tokens] == [False, True, True]
    table.put(revoked(table.named("a")))
    assert [table.of_token(token) for token in tokens] == [None, None, None]


@pytest.mark.parametrize("token", ["", ".", "RBK", "RBKNOBODY.secret", "\ud800.x", "a" * 100_000])
def test_what_is_no_token_is_nobodys(table, token):
    """Whatever it is made of."""
    table.put(new_key("a", 0.0))
    assert table.of_token(token) is None


def test_the_master_secret_is_made_once_and_from_the_environment_first(tmp_path):
    """A short one is refused; the file is its owner's alone."""
    made = key_secret(tmp_path / "keys.json", {})
    assert key_secret(tmp_path / "keys.json", {}) == made
    assert len(made) >= 32
    assert stat.S_IMODE((tmp_path / "keys.secret").stat().st_mode) == 0o600
    assert key_secret(tmp_path / "keys.json", {"ROCKBOTTOM_GATEWAY_SECRET": "e" * 40}) == b"e" * 40
    with pytest.raises(BadConfiguration, match="has 5 characters; it takes 32 or more"):
        key_secret(tmp_path / "keys.json", {"ROCKBOTTOM_GATEWAY_SECRET": "short"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "line 1: not JSON: Expecting value"),
        (b'{"keys":\n[', "line 2: not JSON: Expecting value"),
        (b"[]", "line 1: expected a mapping, found a list"),
        (b'{"keys":[{"id":1}]}', "line 1: keys[0]: the field 'name' is missing"),
        (b'{"keys":[{"id":1,\n\t"name": "a"}]}', "line 1: keys[0].id: expected text, found a whole number (1)"),
        (b"\xff", "line 1: not JSON"),
        (b'{"keys":[{"id":"a",\n\t"nam":"b"}]}', "line 2: keys[0].nam: unknown field; did you mean 'name'?"),
        (b'{"keys":[{"id":"a","name":"b"},{"id":"a","name":"c"}]}', "two keys have the id a"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, text, message):
    """It is an error with its path, never an open door."""
    (tmp_path / "keys.json").write_bytes(text)
    with pytest.raises(BadConfiguration, match=r"keys\.json") as caught:
        KeyTable(tmp_path / "keys.json", MASTER)
    assert message in str(caught.value)


def test_keys_that_are_added_at_the_same_time_are_all_there(tmp_path):
    """Each command reads the table and writes it; the first one draws the master secret, too."""
    (tmp_path / "gateway.yaml").write_text("upstream: {region: us-east-1}\nkeys: keys.json\n")
    command = [sys.executable, "-m", "rockbottom", "gateway", "key", "add"]
    adding = [subprocess.Popen([*command, name], cwd=tmp_path, stdout=subprocess.DEVNULL) for name in "abcd"]
    assert [process.wait() for process in adding] == [0, 0, 0, 0]
    path = tmp_path / "keys.json"
    assert {key.name for key in KeyTable(path, key_secret(path, {})).keys} == set("abcd")
