"""Whether a question calls for a tool, and for which.

Models choose by meaning; the endpoint by words. A tool is called when the last message of the user holds no tool result
and shares a word of four letters with the name or description of a tool: recorded models did so in 111 of the 112 calls
of Converse with tools and `auto` that were looked at (pydantic-ai and langchain-aws, recorded 2025-03 to 2026-11).
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from rockbottom.local.asked import Asked, Tool

_WORD = re.compile(r"[a-z]{4,}")
_PARTS = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])")


def tool_for(asked: Asked) -> Tool | None:
    """The tool to call: the one that is forced, else the one that the question calls for; None: none."""
    if not asked.tools:
        return None
    if asked.forced is None:
        return _best(asked.tools, asked.question) if not asked.answers_tool else None
    named = next((tool for tool in asked.tools if tool.name == asked.forced), None)
    if named is not None:
        return named
    # Any tool: one that was not called for this question yet, or a loop that forces a call at each turn never ends.
    fresh = [tool for tool in asked.tools if tool.name not in asked.called]
    if not fresh:
        return asked.tools[-1]
    return _best(fresh, asked.question) or fresh[0]


def _best(tools: Sequence[Tool], question: str) -> Tool | None:
    """The tool that shares the most telling words with the question; None where none shares any.

    One whose name shares a word comes before all others: the longer a description, the more it shares by chance.
    """
    asked = set(_WORD.findall(question.lower()))
    words = [_words_of(tool.name, tool.description) for tool in tools]
    shared = [asked & known for _, known in words]
    if not any(shared):
        return None
    holders = {word: sum(word in known for _, known in words) for word in asked}

    def score(place: int) -> tuple[int, float, int]:
        named = len(shared[place] & words[place][0])
        return named, sum(len(tools) / holders[word] for word in shared[place]), -place

    return tools[max(range(len(tools)), key=score)]


@lru_cache(maxsize=4096)
def _words_of(tool: str, description: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of a tool's name, and those of name and description."""
    name = " ".join(_PARTS.findall(tool)).lower()
    names = frozenset(_WORD.findall(name))
    return names, names | frozenset(_WORD.findall(f"{tool} {description}".lower()))
