"""A process that runs batch runs and can be told at which step to die, by SIGKILL, in the middle of it.

It reads one JSON command a line: where to run, and the number of the step to die at (null: none). Each run is a
process of its own, forked so that the imports are paid for once; the answer is its exit status and its steps.
"""

import json
import os
import signal
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import boto3  # imported before the fork
import boto3.s3.transfer  # noqa: F401
import msgspec

from rockbottom import batch
from rockbottom.catalog import load_catalog


def cloud_of(command):
    """Clients made before the fork: making them takes longer than a run."""
    cloud = batch.Cloud(
        "us-east-1", bedrock_url=command["url"], s3_url=command["s3_url"], sleep=lambda seconds: None,
        credentials={"aws_access_key_id": "test", "aws_secret_access_key": "test"},
    )  # fmt: skip
    cloud.client("s3")
    cloud.client("bedrock")
    cloud.client("bedrock-runtime")
    return cloud


def one_run(command, catalog, cloud):
    """Run, counting steps; dies at the step named."""
    steps = []

    def step(name):
        steps.append(name)
        if len(steps) == command["die_at"]:
            os.kill(os.getpid(), signal.SIGKILL)

    outcome = batch.run(
        Path(command["records"]), model=command["model"], bucket=command["bucket"], role_arn=command["role"],
        on=date(2026, 11, 1), cloud=cloud, kind=batch.Kind(command["kind"]),
        folder=Path(command["folder"]), agree=lambda estimate: True, every_s=0,
        limits=replace(batch.packaged_limits(), records_per_job=100, records_per_file=100), catalog=catalog,
        checkpoint=step,
    )  # fmt: skip
    summary = msgspec.to_builtins(batch.summary_of(outcome))
    Path(command["folder"], "outcome.json").write_text(json.dumps({"steps": steps, "summary": summary}))


def main():
    catalog = load_catalog()
    cloud = None
    for line in sys.stdin:
        cloud = cloud or cloud_of(json.loads(line))
        child = os.fork()
        if child == 0:
            one_run(json.loads(line), catalog, cloud)
            sys.stdout.flush()
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)


main()
