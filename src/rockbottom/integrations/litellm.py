"""LiteLLM's proxy: one line in its configuration plans, observes and records its calls to Bedrock.

    litellm_settings:
      callbacks: rockbottom.integrations.litellm.callback

Whatever the proxy sends to Bedrock is met where it leaves: calls of /chat/completions and /v1/messages, and requests
that pass through /bedrock as they came. The environment chooses, as for ``rockbottom run``: ``ROCKBOTTOM_LEDGER``,
``ROCKBOTTOM_DRY_RUN``, ``ROCKBOTTOM_HOLDOUT``, ``ROCKBOTTOM_STATE``. A record carries the team, the key's alias and the
user that the proxy knows, never the key.
"""

from importlib import import_module
from typing import Any

from rockbottom.client import tag_from_here
from rockbottom.programs import begin

_Logger: Any = import_module("litellm.integrations.custom_logger").CustomLogger

_KNOWN_AS = {
    "team": ("team_alias", "team_id"),
    "key": ("key_alias",),
    "user": ("end_user_id", "user_id"),
}
"""Tags, and the attributes of a caller of the proxy that they are taken from, the first that is there."""


class Callback(_Logger):
    """Tags a call with who makes it. That it is planned and recorded happens further down."""

    async def async_pre_call_hook(self, user_api_key_dict: Any, cache: Any, data: Any, call_type: Any) -> None:
        """Called by the proxy before each call, in the task that makes it; changes nothing of the request."""
        tag_from_here(_tags_of(user_api_key_dict))


def _tags_of(caller: Any) -> dict[str, str]:
    tags: dict[str, str] = {}
    for tag, attributes in _KNOWN_AS.items():
        values = (getattr(caller, attribute, None) for attribute in attributes)
        value = next((value for value in values if isinstance(value, str) and value), None)
        if value is not None:
            tags[tag] = value
    return tags


begin(also_made=True)
callback = Callback()
