"""What the lane ``batch`` of ``rockbottom bench`` needs: a bucket and a role, or an S3 in this process."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from rockbottom.cli.options import options
from rockbottom.cli.values import Url

if TYPE_CHECKING:
    from rockbottom.bench import JobsAt

_BUCKET, _ROLE = "rockbottom-bench", "arn:aws:iam::123456789012:role/rockbottom-bench"


jobs_options = options(
    click.option("--bucket", metavar="NAME", help="S3 bucket for the lane batch."),
    click.option("--role", "role_arn", metavar="ARN", help="Role that Bedrock assumes for the lane batch."),
    click.option("--s3-url", type=Url(), help="S3 address of the endpoint of --endpoint-url, for the lane batch."),
)


def jobs_at(options: dict[str, Any]) -> "JobsAt | None":
    """Where jobs run, as the options say; None without a bucket and a role."""
    from rockbottom.bench import JobsAt

    if (options["bucket"] is None) != (options["role_arn"] is None):
        raise click.UsageError("--bucket and --role go together; rockbottom batch setup makes both")
    if options["bucket"] is None:
        return None
    return JobsAt(options["bucket"], options["role_arn"], options["s3_url"])


def local_jobs(s3_url: str, region: str) -> "JobsAt":
    """A bucket in the S3 of this process."""
    import boto3

    from rockbottom.bench import JobsAt

    s3 = cast(Any, boto3).client(
        "s3", endpoint_url=s3_url, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local"
    )
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=_BUCKET, **where)
    return JobsAt(_BUCKET, _ROLE, s3_url)


def wants_jobs(workload: Path | None, resume_from: Path | None, lanes: tuple[str, ...]) -> bool:
    """Whether the lane batch is asked for; what is wrong with a workload or a run is said later."""
    from rockbottom.bench import BenchError, load_workload, open_notebook

    try:
        if resume_from is not None:
            return "batch" in open_notebook(resume_from).settings.lanes
        assert workload is not None
        return "batch" in (lanes or load_workload(workload).lanes)
    except (BenchError, OSError):
        return False
