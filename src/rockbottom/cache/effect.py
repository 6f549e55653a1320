"""Which points of a prompt take effect: its own, as far as its surface takes them, and that of the service."""

from dataclasses import replace

from rockbottom.cache.behaviour import Behaviour
from rockbottom.catalog import CacheRules
from rockbottom.prompt import Api, CachePoint, Prompt


def effective(prompt: Prompt, rules: CacheRules, behaviour: Behaviour) -> Prompt:
    """The prompt with the points that take effect: its own where its surface takes any, and that of the service.

    The service's stands at the end of the latest message (boise-gpt-5-6), where the model has one and the request does
    not forbid it. A point that OpenAI's surfaces accept where it does nothing (``ineffective``) is left out.
    """
    points = prompt.points if rules.takes_points(prompt.api.value) else ()
    if points and any(ineffective(point, prompt.api, rules) for point in points):
        points = tuple(point for point in points if not ineffective(point, prompt.api, rules))
    if adds_point(prompt, rules, behaviour):
        last = prompt.segments[-1]
        points = (*points, CachePoint(len(prompt.segments), None, last.section, last.kind, last.message, last.index))
    return prompt if points is prompt.points else replace(prompt, points=points)


def adds_point(prompt: Prompt, rules: CacheRules, behaviour: Behaviour) -> bool:
    """Whether the service adds a point at the end of this prompt by itself."""
    by_itself = rules.implicit_point or (rules.best_effort and behaviour.best_effort_reads == "always")
    return by_itself and prompt.implicit is not False and bool(prompt.segments)


def ineffective(point: CachePoint, api: Api, rules: CacheRules) -> bool:
    """Whether OpenAI's surfaces take a point without a word and do nothing for it.

    So was a mark on what a tool answered: accepted, and never written (openai-forum-1386415).
    """
    if api not in (Api.CHAT, Api.RESPONSES):
        return False
    follows = point.follows
    return point.section.value not in rules.sections or (follows is not None and follows.value in rules.illegal_after)
