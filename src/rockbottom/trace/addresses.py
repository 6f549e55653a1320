"""Where recorded traffic may lie: a path, an address of S3, a log group of CloudWatch Logs."""

from rockbottom.quantities import RockbottomError

CHUNK_BYTES = 1 << 20  # what is read at once fits the processor's cache until it is decoded
SCHEME_OF_LOG_GROUPS = "log-group:"


class UnreadableSource(RockbottomError):
    """A source is not there, or no reader knows its format."""


def is_log_group(name: str) -> bool:
    """Whether a source is a log group of CloudWatch Logs."""
    return name.startswith(SCHEME_OF_LOG_GROUPS)


def is_s3(name: str) -> bool:
    """Whether a source or file is named by an S3 address."""
    return name.startswith("s3://")
