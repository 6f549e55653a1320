"""Which API surface of which host serves a model, and how its replies look there: data/surfaces.toml read."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from msgspec import Struct

from rockbottom.catalog.errors import InvalidCatalogue
from rockbottom.catalog.models import Model
from rockbottom.files import packaged

MANTLE, RUNTIME = "bedrock-mantle", "bedrock-runtime"


class Surface(Struct, frozen=True):
    """How the models of one family are served over HTTP.

    ``mantle_path`` is the path family of bedrock-mantle; ``mantle`` and ``runtime`` are the surfaces (``prompt.Api`` by
    value) of the two hosts. ``frames`` is how a Responses stream is framed: ``data_first`` or ``data`` alone.
    ``writes_counted``: its Responses count writes; ``chat_details``: its Chat Completions count what was cached.
    ``options`` is what becomes of ``prompt_cache_options``: ``taken``, ``refused`` or ``ignored``. ``refuses`` gives,
    by surface, the members that are refused, each with the words; ``tiers`` are those a body may ask for, ``efforts``
    those of reasoning, ``tool_choices`` those of Responses (empty: nothing is known, and all are taken).
    ``tools_or_effort``: its Chat Completions take function tools only without an effort. ``repeats`` is what
    a reply of its Responses says where nothing else was asked for.
    ``counts_tokens``: count_tokens of bedrock-mantle serves them, ``web_search``: its web search does; ``mantle_ids``
    are the ids there of those of which it is not the bare, unversioned one, ``mantle_aliases`` dated ids of a model.
    """

    name: str
    mantle_path: str
    mantle: frozenset[str]
    runtime: frozenset[str]
    frames: str
    writes_counted: bool
    chat_details: bool
    options: str
    refuses: Mapping[str, Mapping[str, str]]
    tiers: frozenset[str]
    efforts: tuple[str, ...]
    tool_choices: tuple[str, ...]
    tools_or_effort: bool
    repeats: Mapping[str, Any]
    counts_tokens: bool
    web_search: bool
    mantle_ids: Mapping[str, str]
    mantle_aliases: Mapping[str, str]
    source: str  # a key of sources.toml

    def apis(self, host: str) -> frozenset[str]:
        """The surfaces of a host that serve the family."""
        return self.mantle if host == MANTLE else self.runtime


def surface_of(model: Model) -> Surface:
    return surface_named(model.id)


def surfaces() -> tuple[Surface, ...]:
    """Every family of models that the data describes."""
    return tuple(surface for _, surface in _families())


@cache
def surface_named(bare: str) -> Surface:
    """How the model of a bare id is served; the last family, which is for all, where none is named."""
    for patterns, surface in _families():
        if any(fnmatchcase(bare, pattern) for pattern in patterns):
            return surface
    raise InvalidCatalogue(f"surfaces.toml has no family for {bare}.")


def refused_members(bare: str, api: str) -> Mapping[str, str]:
    """The members of a body that the model of a bare id refuses on an API (``prompt.Api`` by value), with the words.

    Claude refuses on Converse and InvokeModel what it refuses on Messages: one validator is behind all three
    (cline 10572, promptfoo 10307).
    """
    return surface_named(bare).refuses.get("messages" if bare.startswith("anthropic.") else api, {})


@cache
def _families() -> tuple[tuple[tuple[str, ...], Surface], ...]:
    return tuple(_family(name, row) for name, row in packaged("catalog", "surfaces").items())


def _family(name: str, row: Mapping[str, Any]) -> tuple[tuple[str, ...], Surface]:
    return tuple(row["models"]), Surface(
        name,
        row["mantle_path"],
        frozenset(row["mantle"]),
        frozenset(row["runtime"]),
        row["frames"],
        row["writes_counted"],
        row["chat_details"],
        row["options"],
        row.get("refuses", {}),
        frozenset(row["tiers"]),
        tuple(row.get("efforts", ())),
        tuple(row.get("tool_choices", ())),
        bool(row.get("tools_or_effort", False)),
        row.get("repeats", {}),
        bool(row.get("count_tokens", False)),
        bool(row.get("web_search", False)),
        row.get("mantle_ids", {}),
        row.get("mantle_aliases", {}),
        row["source"],
    )
