"""The worked timelines of the documentation, run against the reference engine."""

import re
from pathlib import Path

import pytest

from rockbottom.cache import PrefixCache, step

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "worked-timelines.md"
BLOCKS = re.findall(r"^## (.+?)$|^```timeline\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def timelines():
    """Each block with the heading it stands under."""
    heading = ""
    for title, block in BLOCKS:
        heading = title or heading
        if block:
            yield pytest.param(block, id=heading)


@pytest.mark.parametrize("block", list(timelines()))
def test_timeline_bills_as_the_documentation_says(block, prompt_from, with_rules, behaviour, namespace):
    """Every line's tokens read, written and uncached are those that the engine gives."""
    rules, state = with_rules(minimum_tokens=1024), PrefixCache()
    for line in block.splitlines():
        clock, request, told = re.fullmatch(r"\s*(\d+)\s+(.*?)\s+-> (.*)", line).groups()
        state, result = step(state, prompt_from(request), float(clock), rules, behaviour, namespace)
        usage = result.usage()
        got = (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.input)
        assert got == tuple(map(int, told.split())), line


def test_the_page_has_timelines():
    """The page was found and read."""
    assert len(list(timelines())) >= 10
