"""Spend logs of a LiteLLM proxy: rows of ``LiteLLM_SpendLogs`` as CSV, JSON or JSON lines, or pages of ``/spend/logs``.

``prompt_tokens`` counts what was read and written too; how much that was stands in ``metadata.usage_object``
(LiteLLM 1.60 to 1.109, as read on 2026-11-29). Some versions left the writes out of it, which their total or their size
tells (BerriAI/litellm#15270). What the proxy answered from a cache of its own cost nothing. Where it
stores prompts (``store_prompts_in_spend_logs``) their blocks are read, but of prompts with a text that it cut short.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rockbottom.quantities import Undecodable, Usage
from rockbottom.trace.counted import (
    NO_BLOCKS,
    Counted,
    CountedRequests,
    count_of,
    exclusive,
    instant_of,
    is_of_bedrock,
)
from rockbottom.trace.damages import Damages
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart
from rockbottom.trace.rows import exports_of, header_with, object_of, rows_in, size_of, text_of
from rockbottom.trace.stored_prompts import stored_prompt

_COLUMNS = ("request_id", "model", "prompt_tokens", "completion_tokens")
_ROUTES = ("converse/", "converse_like/", "invoke/")
_PROVIDERS = ("bedrock/", "bedrock_converse/", "bedrock_mantle/", "anthropic/", "openai/", "azure/", "azure_ai/")


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """The calls of one export, and what is damaged in it."""
    damages, requests = Damages(), CountedRequests(settings.key)
    for place, row in rows_in(part, _COLUMNS, damages):
        with damages.of(place):
            if _failed(row):
                damages.failed += 1
            else:
                requests.add(_request(row, settings.by))
    return requests.part(damages, size_of(part))


def _failed(row: Mapping[str, Any]) -> bool:
    return text_of(row.get("status")) == "failure" or text_of(object_of(row.get("metadata")).get("status")) == "failure"


def _request(row: Mapping[str, Any], by: str) -> Counted | None:
    """The request of a row; None: it cost nothing, or was for no model. Raises Undecodable."""
    total, output = count_of(row.get("prompt_tokens")), count_of(row.get("completion_tokens"))
    at = instant_of(row.get("startTime") or row.get("start_time"))
    if total is None or at is None:
        raise Undecodable("a row without tokens" if total is None else "a row without its instant")
    if text_of(row.get("cache_hit")).lower() == "true" or row.get("cache_hit") is True or not total:
        return None
    model, region = _model(text_of(row.get("model")))
    metadata = object_of(row.get("metadata"))
    session = text_of(row.get("session_id")) or text_of(metadata.get("session_id"))
    usage, identity = _usage(metadata, total, output or 0), text_of(row.get("request_id"))
    elsewhere, label = not _is_bedrock(row, model), text_of(row.get(by)) or text_of(metadata.get(by))
    proxied = object_of(row.get("proxy_server_request"))
    prompt = stored_prompt(row.get("messages") or proxied.get("messages"), proxied.get("tools"), proxied.get("system"))
    tokens_in = total if usage is None else usage.total_input
    return Counted(
        at, model, tokens_in, output, usage, session or None, identity, region, elsewhere, label or None, prompt
    )


def _usage(metadata: Mapping[str, Any], total: int, output: int) -> Usage | None:
    counted = object_of(metadata.get("usage_object"))
    if not counted:
        return None
    details = object_of(counted.get("prompt_tokens_details"))
    read = count_of(counted.get("cache_read_input_tokens")) or count_of(details.get("cached_tokens")) or 0
    written = count_of(counted.get("cache_creation_input_tokens") or details.get("cache_creation_tokens")) or 0
    split = object_of(details.get("cache_creation_token_details"))
    if read > total:  # it counts none of both
        total += read + written
    elif read + written > total or count_of(counted.get("total_tokens")) == total + output + written:
        total += written
    return exclusive(total, output, read, written, count_of(split.get("ephemeral_1h_input_tokens")) or 0)


def _model(text: str) -> tuple[str, str | None]:
    """The model id behind a route of LiteLLM, and the Region where the route names one."""
    provider = next((name for name in _PROVIDERS if text.startswith(name)), "")
    rest = text.removeprefix(provider)
    route = next((name for name in _ROUTES if rest.startswith(name)), "")
    region, slash, model = rest.removeprefix(route).partition("/")
    return (model, region) if slash and provider.startswith("bedrock") else (rest.removeprefix(route), None)


def _is_bedrock(row: Mapping[str, Any], model: str) -> bool:
    provider = text_of(row.get("custom_llm_provider"))
    return provider.startswith("bedrock") if provider else is_of_bedrock(model)


def _recognises(path: Path, head: bytes) -> bool:
    if head.lstrip()[:1] in (b"{", b"["):
        return b'"request_id"' in head and b'"prompt_tokens"' in head and b'"startTime"' in head
    return header_with(head.partition(b"\n")[0], _COLUMNS) is not None


READER = LogReader(
    "litellm", "spend logs of LiteLLM: CSV, JSON, JSON lines", _recognises, exports_of, read, lacks=NO_BLOCKS
)
