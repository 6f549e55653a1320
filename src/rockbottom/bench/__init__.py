"""A workload sent to AWS or a local endpoint down several lanes (ways of caching and billing), and what each costs."""

from rockbottom.extras import needing

with needing("rockbottom.bench", "bench"):
    from rockbottom.bench.bench import Bench, prepare, resume, run
    from rockbottom.bench.document import write_document
    from rockbottom.bench.endpoints import AwsEndpoint, Endpoint, JobsAt, LocalEndpoint
    from rockbottom.bench.errors import (
        BenchError,
        EndpointDied,
        EndpointRefused,
        InvalidRun,
        InvalidWorkload,
        SdkTooOld,
        SpendLimit,
        WrongSetting,
    )
    from rockbottom.bench.grading.votes import JudgeEstimate, VoteTeller
    from rockbottom.bench.lanes import UnknownLane
    from rockbottom.bench.notebook import Ended, Measured, PassKey, open_notebook
    from rockbottom.bench.quality import Grading
    from rockbottom.bench.requests import inference_of
    from rockbottom.bench.running import BenchWatcher
    from rockbottom.bench.schedule import BenchEstimate
    from rockbottom.bench.workload import Workload, load_workload, read_workload

__all__ = [
    "AwsEndpoint",
    "Bench",
    "BenchError",
    "BenchEstimate",
    "BenchWatcher",
    "Ended",
    "Endpoint",
    "EndpointDied",
    "EndpointRefused",
    "Grading",
    "InvalidRun",
    "InvalidWorkload",
    "JobsAt",
    "JudgeEstimate",
    "LocalEndpoint",
    "Measured",
    "PassKey",
    "SdkTooOld",
    "SpendLimit",
    "UnknownLane",
    "VoteTeller",
    "Workload",
    "WrongSetting",
    "inference_of",
    "load_workload",
    "open_notebook",
    "prepare",
    "read_workload",
    "resume",
    "run",
    "write_document",
]
