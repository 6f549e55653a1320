"""Programs of a user whose home may not be looked into, or who has none, as containers run them."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

import rockbottom
from rockbottom.cli import main

pwd = pytest.importorskip("pwd")
_MODEL = "us.amazon.nova-pro-v1:0"


@pytest.fixture(autouse=True)
def _nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROCKBOTTOM_PRICES", "ROCKBOTTOM_FACTS", "ROCKBOTTOM_LEDGER", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that its user may not look into; root, who runs tests in containers, may look everywhere."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("stat", "mkdir", "open", "scandir"):
        monkeypatch.setattr(os, name, _refusing(getattr(os, name), f"{home}{os.sep}"))
    return home


def _refusing(call: Any, below: str) -> Any:
    def refusing(path: Any, *args: Any, **more: Any) -> Any:
        if isinstance(path, (str, os.PathLike)) and str(path).startswith(below):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return call(path, *args, **more)

    return refusing


def _called(client: Any) -> None:
    client.converse(modelId=_MODEL, messages=[{"role": "user", "content": [{"text": "hi"}]}])


def test_paths_are_meant_from_where_they_were_given(client, monkeypatch, tmp_path):
    """A program that goes to another folder after it attached, as a daemon does, leaves nothing there."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    budgets = rockbottom.Budgets(rockbottom.Budget("50", "day"), file="budgets.db", simulated=True)
    rockbottom.attach(client, state="state.db", ledger="ledger", budget=budgets)
    monkeypatch.chdir(tmp_path / "elsewhere")
    _called(client)
    rockbottom.detach(client)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} >= {"state.db", "budgets.db", "ledger"}


def test_a_home_that_may_not_be_looked_into_stops_no_program(client, closed, caplog):
    """Neither prices nor facts were saved there, and the call is recorded in memory alone, which is said."""
    rockbottom.attach(client, ledger=True)
    _called(client)
    assert "1 call" in str(rockbottom.report(client))
    assert f"{closed}/.local/state/rockbottom/ledger" in caplog.text
    rockbottom.detach(client)


def test_a_user_without_a_home_is_recorded_below_the_root(client, monkeypatch, tmp_path):
    """As an image that names a number for its user: no file says where its home is; $HOME is often / then."""
    monkeypatch.delenv("HOME")

    def unknown(number):
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(os, "mkdir", _refusing(os.mkdir, "/.local"))
    rockbottom.attach(client, ledger=True)
    _called(client)
    assert "1 call" in str(rockbottom.report(client))
    rockbottom.detach(client)


@pytest.mark.parametrize("command", ["models", "config", "prices show nova-pro"])
def test_commands_work_where_a_home_may_not_be_looked_into(command, closed, monkeypatch, capsys):
    """What cannot be there is not used."""
    monkeypatch.chdir(closed.parent)
    assert main(command.split()) == 0
    capsys.readouterr()
