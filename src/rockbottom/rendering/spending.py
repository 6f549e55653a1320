"""What is said before a bench run spends money, and while it runs."""

from rockbottom.bench import BenchEstimate, Ended, JudgeEstimate
from rockbottom.figures import counted, usd
from rockbottom.quantities import Usd


def run_costs(estimate: BenchEstimate, max_usd: Usd | None, *, batch: bool) -> str:
    """What a run on AWS sends and may cost; ``batch`` says that it waits for a batch job."""
    waits = ", and a batch job may take a day" if batch else ""
    return (
        f"This sends {counted(estimate.requests, 'request')} to AWS with about {estimate.input_tokens:,} input tokens: "
        f"about {_dollars(estimate.likely)} without any caching, at most {_dollars(estimate.most)}{_limit(max_usd)}. "
        f"Waiting between turns is real{waits}."
    )


def votes_cost(judge: str, estimate: JudgeEstimate, max_usd: Usd | None) -> str:
    """What the judge of that id will cost."""
    return (
        f"Then {judge} votes {estimate.votes:,} times: about {_dollars(estimate.likely)}, "
        f"at most {_dollars(estimate.most)}{_limit(max_usd)}."
    )


def pass_line(ended: Ended, turns: int) -> str:
    """How a pass went, on one line of a log."""
    again = f" (repeat {ended.key.repeat + 1})" if ended.key.repeat else ""
    why = f": {ended.why}" if ended.why else ""
    return f"{ended.key.model} {ended.key.lane}{again}: {counted(turns, 'turn')}, {ended.status}{why}"


def _dollars(amount: Usd) -> str:
    return usd(amount, 4, symbol=True)


def _limit(max_usd: Usd | None) -> str:
    return f"; it stops before ${max_usd}" if max_usd else ""
