"""What may go wrong with partitions."""

from rockbottom.quantities import RockbottomError


class NotPartitionable(RockbottomError):
    """A policy that learns from all traffic in turn was asked of an engine that replays it in pieces."""


class EngineFailed(RockbottomError):
    """A partition failed more often than it is tried again, or there is nothing that could work on it."""
