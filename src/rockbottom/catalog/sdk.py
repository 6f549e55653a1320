"""Since which botocore a client can say what."""

from rockbottom.files import packaged


def botocore_since(member: str) -> str:
    """The first botocore that knows ``cachePoint``, ``ttl`` or ``modelInvocationType``; boto3 counts the same."""
    return packaged("catalog", "botocore")["since"][member]
