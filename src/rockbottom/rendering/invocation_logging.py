"""What setting up model invocation logging changes and costs, as text."""

from collections.abc import Iterator

from rockbottom.figures import paragraph, usd
from rockbottom.invocation_logging import AccountRegion, LoggingPlan, LoggingSettings, address_of, delivery, fees
from rockbottom.rendering.monitoring import step_text

_WIDTH = 80
_REQUESTS, _TOKENS, _BYTES_PER_TOKEN = 1_000, 10_000, 4
"""What is assumed of traffic that nobody has seen yet, to give a cost a size."""


def logging_steps_text(todo: LoggingPlan) -> Iterator[str]:
    """The account, and what becomes of each thing in it."""
    yield f"account {todo.place.account}, {todo.place.region}"
    for step in todo.steps:
        yield from step_text(step)
    if not todo.steps:
        yield "  nothing"
    if todo.is_foreign:
        text = "the account's logs go elsewhere already; read them there, or put this in its place with --replace"
        yield from paragraph(text, _WIDTH, "  ")


def logging_cost_text(settings: LoggingSettings) -> Iterator[str]:
    """What logs cost, by which prices, and what traffic of an assumed size would cost."""
    charged, gigabytes = fees(), _REQUESTS * _TOKENS * _BYTES_PER_TOKEN / 1e9
    yield ""
    if settings.log_group:
        yield f"CloudWatch Logs: ${charged.log_gb} a GB taken in, ${charged.log_gb_month} a GB kept for a month"
    if settings.bucket:
        yield f"S3: ${charged.s3_gb_month} a GB kept for a month, ${charged.s3_thousand_files} a thousand files"
    size = f"{_REQUESTS:,} requests of {_TOKENS:,} tokens are {gigabytes * 1000:.0f} MB"
    share = charged.log_gb.__class__(str(gigabytes))
    cost = share * (charged.log_gb + charged.log_gb_month) if settings.log_group else share * charged.s3_gb_month
    text = f"{size} (assumed: {_BYTES_PER_TOKEN} bytes a token): ${usd(cost, 4)} and kept for a month"
    yield from paragraph(f"{text}; {charged.source.title}, read {charged.source.checked_on}", _WIDTH)
    if settings.log_group and not settings.bucket:
        longest = delivery().most_bytes_of_a_body
        text = f"bodies of more than {longest:,} bytes are not in CloudWatch Logs; with --bucket they go there"
        yield from paragraph(text, _WIDTH)


def logging_readers_text(settings: LoggingSettings, place: AccountRegion) -> Iterator[str]:
    """How what is logged is read."""
    if settings.bucket:
        address = address_of(settings, place)
        yield "what is logged from now on:"
        yield f"  rockbottom explain {address}"
        yield f"  rockbottom replay {address}"
