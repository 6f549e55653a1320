"""Whether a question calls for a tool, and for which.

Models choose by meaning; the endpoint by words. A tool is called when the last message of the user holds no tool result
and shares a word of four letters with the name or description of a tool: recorded models did so in 111 of the 112 calls
of Converse with tools and `auto` that were looked at (pydantic-ai and langchain-aws, recorded 2025-03 to 2026-11).
After a result another is called only where the prompt names both by name, one behind the other. A tool that gives the
final result of a run, as frameworks define one for structured output, is called when no other is.

Claude calls several at once (seen on Converse: https://github.com/genkit-ai/aws-bedrock-js-plugin/issues/664 and
https://github.com/anomalyco/opencode/issues/41445). None of the 119 recorded replies does so, and no recorded question
names two tools; so only a question that does is answered so, which joins words of their names by "and" or a comma and
says nothing of an order.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from rockbottom.local.asked import NeutralRequest, Tool

_WORD = re.compile(r"[a-z]{4,}")
_TELLING = re.compile(r"[_\d]|[a-z][A-Z]")
_ENDING = re.compile(r"\bfinal[\s_-]?(?:result|response|answer|output|tool)", re.I)
_JOINS = re.compile(r"\band\b|[,&]")
_PARTS_THEM = re.compile(r"[.?!\n]|\b(?:then|after|afterwards|before|once|when|if|or|next|finally|results?|its)\b")
"""What, between two tools that a question names, says that they are not for the same moment."""
_PARTS = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])")


def tools_for(task: NeutralRequest) -> tuple[Tool, ...]:
    """The tools to call in one reply: ``tool_for``'s, and those that the question asks for beside it."""
    tool = tool_for(task)
    if tool is None:
        return ()
    if not task.at_once or task.forced is not None or task.answers_tool or len(task.tools) == 1:
        return (tool,)
    return next((group for group in _groups(task) if tool in group), (tool,))


def tool_for(task: NeutralRequest) -> Tool | None:
    """The tool to call: the one that is forced, else the one that the question calls for; None: none."""
    if not task.tools:
        return None
    working = [tool for tool in task.tools if not _ends(tool)]
    ending = next((tool for tool in task.tools if _ends(tool) and tool.name not in task.called), None)
    if task.forced is None:
        called_for = _next_named(task) if task.answers_tool else _best(working, task.question)
        return called_for or ending
    named = next((tool for tool in task.tools if tool.name == task.forced), None)
    if named is not None:
        return named
    # Any tool: one that was not called for this question yet, or a loop that forces a call at each turn never ends.
    fresh = [tool for tool in working if tool.name not in task.called]
    if not fresh:
        return ending or task.tools[-1]
    return _best(fresh, task.question) or ending or fresh[0]


def _ends(tool: Tool) -> bool:
    """Whether a call of the tool is the answer itself."""
    return _ENDING.search(tool.name) is not None or _ENDING.search(tool.description) is not None


def _next_named(task: NeutralRequest) -> Tool | None:
    """The tool that the prompt names, by its very name, behind one that was called, and that was not called itself."""
    called = frozenset(task.called)
    for text in (task.question, *task.sources):
        places = {tool.name: at for tool in task.tools if (at := _place(tool.name, text)) >= 0}
        reached = max((at for name, at in places.items() if name in called), default=-1)
        behind = [tool for tool in task.tools if places.get(tool.name, -1) > reached >= 0 and tool.name not in called]
        if behind:
            return min(behind, key=lambda tool: places[tool.name])
    return None


def _groups(task: NeutralRequest) -> list[tuple[Tool, ...]]:
    """The tools that the question joins, in the order in which it names them."""
    question = task.question.lower()
    names = [(_words_of(tool.name, tool.description)[0], tool) for tool in task.tools if not _ends(tool)]
    shared = Counter(word for words, _ in names for word in words)
    groups: list[list[Tool]] = []
    end = 0
    for word in _WORD.finditer(question):
        named = [tool for words, tool in names if word[0] in words] if shared[word[0]] == 1 else []
        if not named:
            continue
        between = question[end : word.start()]
        if groups and _JOINS.search(between) and not _PARTS_THEM.search(between):
            groups[-1].extend(tool for tool in named if tool not in groups[-1])
        else:
            groups.append(named)
        end = word.end()
    return [tuple(group) for group in groups]


def _place(name: str, text: str) -> int:
    """Where a text names a tool, so that no word of the language can be meant; -1: nowhere."""
    if name not in text or not _TELLING.search(name):
        return -1
    match = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text)
    return match.start() if match else -1


def _best(tools: Sequence[Tool], question: str) -> Tool | None:
    """The tool that shares the most telling words with the question; None where none shares any.

    One whose name shares a word comes before all others: the longer a description, the more it shares by chance.
    """
    question_words = set(_WORD.findall(question.lower()))
    words = [_words_of(tool.name, tool.description) for tool in tools]
    shared = [question_words & known for _, known in words]
    if not any(shared):
        return None
    holders = {word: sum(word in known for _, known in words) for word in question_words}

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
