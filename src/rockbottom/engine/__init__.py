"""Recorded traffic replayed in partitions: in this process, by several, or on a Ray cluster; the same functions."""

from rockbottom.engine.cluster import Cluster
from rockbottom.engine.errors import EngineFailed, NotPartitionable
from rockbottom.engine.processes import Processes
from rockbottom.engine.running import Engine, EngineResult, ReplayJob, answered
from rockbottom.engine.work import columns_of, tallies_of

__all__ = [
    "Cluster",
    "Engine",
    "EngineFailed",
    "EngineResult",
    "NotPartitionable",
    "Processes",
    "ReplayJob",
    "answered",
    "columns_of",
    "tallies_of",
]
