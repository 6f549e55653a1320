"""Calls of Bedrock's hosts that botocore has no operation for: the OpenAI-shaped and Anthropic-shaped paths, signed."""

from rockbottom.calling.hosts import Host, hosts_of

__all__ = ["Host", "hosts_of"]
