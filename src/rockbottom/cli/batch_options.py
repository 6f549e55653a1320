"""The options that commands of ``rockbottom batch`` share."""

from pathlib import Path

import click

from rockbottom.cli.options import account_options, json_flag, options, yes_to_spending
from rockbottom.cli.values import Account, Count, Day, Decimals, Dollars, Folder, Tag, Url

FOLDER = Path(".rockbottom/batch")


where = options(
    account_options(
        "Bedrock's control plane, such as rockbottom serve", "that of the run or of your AWS settings"
    ),
    click.option("--s3-endpoint-url", type=Url(), help="Another endpoint for S3."),
    click.option("--runs", type=Folder(), default=FOLDER, show_default=True,
                 help="Folder of runs."),
)  # fmt: skip
priced = options(
    click.option("--prices", "price_file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                 metavar="FILE", help="Your own price rows (CSV), before the packaged ones."),
    click.option("--on", type=Day(), help="Price the run as on this day."),
    json_flag,
)  # fmt: skip
job = options(
    click.argument("records", type=click.Path(path_type=Path, exists=True, dir_okay=False)),
    click.option("--model", required=True, metavar="ID", help="Model or inference profile; a job has one."),
    click.option("--bucket", help="S3 bucket for input and output."),
    click.option("--role", "role_arn", metavar="ARN", help="Role that Bedrock assumes."),
    click.option("--prefix", default="rockbottom", show_default=True, help="Folder in the bucket."),
    click.option("--name", help="Name of the run; made from the file and the settings by default."),
    click.option("--type", "kind", type=click.Choice(["Converse", "InvokeModel", "ChatCompletions"]),
                 default="Converse", show_default=True,
                 help="API of the bodies; ChatCompletions: lines of the OpenAI Batch API, which then runs them."),
    click.option("--strip-cache-points", is_flag=True, help="Take cachePoints out instead of refusing them."),
    click.option("--output-tokens", type=Count(1), help="Tokens to expect of an answer, for the estimate."),
    click.option("--kms-key", metavar="ARN", help="Key that encrypts input and output."),
    click.option("--bucket-owner", type=Account(), metavar="ACCOUNT", help="Account that must own the bucket."),
    click.option("--timeout-hours", type=Count(1), help="Hours after which a job expires."),
    click.option("--tag", "tags", multiple=True, type=Tag(), help="Tag of the jobs; repeat."),
    click.option("--max-usd", type=Dollars(), help="Send nothing when the estimate is above this."),
    yes_to_spending,
)  # fmt: skip
direct = options(
    click.option("--on-demand", is_flag=True,
                 help="Send the records one by one with caching; no job, bucket or role."),
    click.option("--requests-per-minute", type=Count(1), help="Pace on demand; your quota by default."),
    click.option("--tokens-per-minute", type=Count(1), help="Pace on demand; your quota by default."),
    click.option("--parallel", "at_once", type=Count(1, 64), default=1, show_default=True,
                 help="Records under way at once on demand."),
)  # fmt: skip
waiting = options(
    click.option("--every", "every_s", type=Decimals(0.05), default=30.0, show_default=True,
                 help="Seconds between two looks at the jobs."),
    click.option("--within", "within_s", type=Decimals(0), help="Stop waiting after this many seconds."),
)  # fmt: skip
collecting = options(
    click.option("--attempts", type=Count(1, 20), default=3, show_default=True,
                 help="How often a record is sent at most."),
    click.option("--retry-failed", is_flag=True, help="Send records of failed and stopped jobs once more."),
    click.option("--accept-incomplete", is_flag=True, help="Accept output that is only partly written."),
)  # fmt: skip
