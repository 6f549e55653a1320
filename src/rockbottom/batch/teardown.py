"""What ``setup`` made in an account, found again and removed: the role with its permissions, and the bucket.

A role that ``setup`` did not describe, or that others gave more permissions, stays; so does a bucket with objects in it
unless they are to go too. Nothing is removed while a job of the role has not ended.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from rockbottom.batch.cloud import Cloud, code_of
from rockbottom.batch.errors import InvalidSettings
from rockbottom.batch.setup import ABOUT, POLICY
from rockbottom.catalog import limit
from rockbottom.figures import counted, megabytes, thousands

_UNDER_WAY = ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping")


class SetUpPart(msgspec.Struct, frozen=True):
    """One thing that is there: what, and why it stays (empty: it goes)."""

    kind: Literal["policy", "role", "objects", "bucket"]
    name: str
    about: str
    stays: str = ""


def parts_of(cloud: Cloud, role: str, bucket: str | None, *, with_objects: bool) -> list[SetUpPart]:
    """What there is of a set-up, in the order in which it is removed. Raises BatchError, ClientError."""
    return [*_role_parts(cloud, role), *(_bucket_parts(cloud, bucket, with_objects) if bucket else ())]


def remove(cloud: Cloud, role: str, parts: Sequence[SetUpPart], note: Callable[[str], None]) -> None:
    """Remove every part that does not stay; may be run again. Raises BatchError, ClientError."""
    steps: Mapping[str, Callable[[SetUpPart], object]] = {
        "policy": lambda part: cloud.call("iam", "delete_role_policy", RoleName=role, PolicyName=part.name),
        "role": lambda part: cloud.call("iam", "delete_role", RoleName=role),
        "objects": lambda part: _delete_objects(cloud, part.name),
        "bucket": lambda part: cloud.call("s3", "delete_bucket", Bucket=part.name),
    }
    for part in parts:
        if not part.stays:
            steps[part.kind](part)
            note(f"{part.kind} {part.name} removed")


def _role_parts(cloud: Cloud, role: str) -> Iterator[SetUpPart]:
    from botocore.exceptions import ClientError

    try:
        existing = cloud.call("iam", "get_role", RoleName=role)["Role"]
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        return
    _refuse_while_running(cloud, existing["Arn"])
    inline: list[str] = cloud.call("iam", "list_role_policies", RoleName=role)["PolicyNames"]
    attached = cloud.call("iam", "list_attached_role_policies", RoleName=role)["AttachedPolicies"]
    ours = existing.get("Description") == ABOUT
    stays = "" if ours else "rockbottom batch setup did not make it"
    if POLICY in inline:
        yield SetUpPart("policy", POLICY, f"on the role {role}", stays)
    others = [name for name in inline if name != POLICY] + [policy["PolicyName"] for policy in attached]
    if ours and others:
        stays = f"it has other policies too: {', '.join(others)}"
    yield SetUpPart("role", role, existing["Arn"], stays)


def _refuse_while_running(cloud: Cloud, role_arn: str) -> None:
    for status in _UNDER_WAY:
        jobs = cloud.call("bedrock", "list_model_invocation_jobs", statusEquals=status)["invocationJobSummaries"]
        mine = [job["jobName"] for job in jobs if job["roleArn"] == role_arn]
        if mine:
            raise InvalidSettings(
                f"Jobs that use {role_arn} have not ended: {', '.join(mine[:5])}.",
                fix="rockbottom batch stop NAME, or wait until they have ended; nothing was removed",
            )


def _bucket_parts(cloud: Cloud, bucket: str, with_objects: bool) -> Iterator[SetUpPart]:
    from botocore.exceptions import ClientError

    try:
        sizes = [size for _, size in _objects(cloud, bucket)]
    except ClientError as error:
        if code_of(error) != "NoSuchBucket":
            raise
        return
    about = f"{counted(len(sizes), 'object')}, {megabytes(sum(sizes))}"
    if sizes and with_objects:
        yield SetUpPart("objects", bucket, about)
    yield SetUpPart("bucket", bucket, about, "it is not empty" if sizes and not with_objects else "")


def _objects(cloud: Cloud, bucket: str) -> Iterator[tuple[dict[str, str], int]]:
    """Every object, its versions and delete markers, with its bytes."""
    marker: dict[str, Any] = {}
    while True:
        page = cloud.call("s3", "list_object_versions", Bucket=bucket, **marker)
        for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}, version.get("Size", 0)
        if not page.get("IsTruncated"):
            return
        marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker", "")}


def _delete_objects(cloud: Cloud, bucket: str) -> None:
    names = [name for name, _ in _objects(cloud, bucket)]
    most = limit("deleted_objects")
    for first in range(0, len(names), most):
        chosen = {"Objects": names[first : first + most], "Quiet": True}
        failed = cloud.call("s3", "delete_objects", Bucket=bucket, Delete=chosen).get("Errors")
        if failed:
            raise InvalidSettings(
                f"{bucket}: {thousands(len(failed))} objects could not be deleted: {failed[0].get('Message')}"
            )
