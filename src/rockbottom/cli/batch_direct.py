"""``rockbottom batch run --on-demand``: the records of a batch file, sent one by one with caching."""

import time
from typing import TYPE_CHECKING, Any

from rockbottom.cli.batch_leftover import show_sent
from rockbottom.cli.batch_opening import prepared_run
from rockbottom.cli.console import tell
from rockbottom.figures import thousands

if TYPE_CHECKING:
    from rockbottom.batch import Outcome


def send(options: dict[str, Any]) -> "Outcome":
    """Send the records of the command line, agreed to; how it ended. Raises BatchError; answers so far are kept."""
    from rockbottom.batch import OnDemand, account_pace

    with prepared_run({**options, "bucket": None}, on_demand=True) as prepared:
        run = prepared.run
        pace = account_pace(
            run.cloud, prepared.pricing.model, options["requests_per_minute"], options["tokens_per_minute"]
        )
        limits = [
            f"{thousands(limit)} {unit}"
            for limit, unit in ((pace.requests, "requests"), (pace.tokens, "tokens"))
            if limit
        ]
        if limits:
            tell(f"at most {' and '.join(limits)} a minute {pace.origin}".strip())
        return OnDemand(prepared, time.time, pace, options["at_once"], options["max_usd"]).send(show_sent)
