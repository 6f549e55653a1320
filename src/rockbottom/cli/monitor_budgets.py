"""``rockbottom monitor budgets``: what budgets have counted, by account and period."""

import json
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import show, tell, width
from rockbottom.cli.options import json_flag
from rockbottom.quantities import digits_of

if TYPE_CHECKING:
    from rockbottom.budgets import BudgetAccount, BudgetState


@click.command()
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="The file of the budgets.")
@click.option("--all", "every", is_flag=True, help="Also show past periods.")
@json_flag
def budgets(file: Path | None, every: bool, as_json: bool) -> None:
    """Show what was spent and what is held for calls under way, by account and period (UTC).

    The limits are in your program; this shows the sums that they are compared with. Reads only.
    """
    from rockbottom.budgets import BudgetStore, default_file
    from rockbottom.rendering import budgets_text

    path = file if file is not None else default_file(os.environ)
    if not path.is_file():
        raise click.UsageError(
            f"{path} does not exist; Budgets(...) passed to rockbottom.attach creates it, --file takes another path"
        )
    store = BudgetStore(path)
    now = datetime.now(UTC).timestamp()
    try:
        rows = [(account, state) for account, state in store.rows() if every or _runs(account, now)]
        unpriced: dict[BudgetAccount, dict[str, int]] = {}
        for account, model, calls in store.unpriced():
            unpriced.setdefault(account, {})[model] = calls
    except sqlite3.Error as error:
        raise click.UsageError(f"{path} cannot be read as budgets: {error}") from error
    finally:
        store.close()
    if as_json:
        click.echo(
            json.dumps([_as_json(account, state, unpriced.get(account, {})) for account, state in rows], indent=2)
        )
    else:
        show(budgets_text(rows, unpriced, width=width()))
        if not rows:
            tell("nothing was spent in the current periods")


def _runs(account: "BudgetAccount", now: float) -> bool:
    from rockbottom.budgets import Period

    return Period(account.name.rpartition(" per ")[2]).start(now) == account.start


def _as_json(account: "BudgetAccount", state: "BudgetState", unpriced: dict[str, int]) -> dict[str, Any]:
    return {
        "account": account.name,
        "since": account.start,
        "spent_usd": digits_of(state.spent),
        "estimated_usd": digits_of(state.estimated),
        "held_usd": digits_of(state.held),
        "calls": state.calls,
        "unpriced_calls": state.unpriced,
        "unpriced_models": unpriced,
    }
