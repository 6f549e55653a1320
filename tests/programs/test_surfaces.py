"""Programs that speak Messages, Chat Completions or Responses, below ``rockbottom run``: nobody changed them."""

import sys

import pytest

from tests.programs.conftest import UNMODIFIED
from tests.programs.test_unmodified import installed
from tests.programs.totals import total_in

PROGRAMS = [
    ("openai", "openai", "responses"),
    ("openai", "openai", "chat"),
    ("anthropic", "anthropic.lib.bedrock._mantle", "messages"),
    ("strands", "strands.models.openai", "chat"),
    ("strands", "strands.models.openai_responses", "responses"),
    ("strands", "strands.models.anthropic", "messages"),
    ("litellm", "litellm.llms.bedrock_mantle", "responses"),
    ("litellm", "litellm", "chat"),
    ("litellm", "litellm.llms.bedrock_mantle", "messages"),
]


def _input_of(told):
    """Tokens of the whole prompt, as the reply counts them: Messages apart from what is cached, the others with it."""
    if "cache_read_input_tokens" in told:
        return told["input_tokens"] + told["cache_read_input_tokens"] + told["cache_creation_input_tokens"]
    return told.get("input_tokens", told.get("prompt_tokens"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "needs", "surface"), PROGRAMS)
def test_a_program_on_a_surface_is_reached_counted_and_planned(run, server, name, needs, surface):
    """Claude reads from its second call on; GPT's first call writes nothing, so it reads from the third."""
    if not installed(needs):
        pytest.skip(f"{needs} is not installed here: make sdks runs this")
    ran = run("--", sys.executable, f"{name}_surfaces_program.py", surface, SURFACES_URL=server.url)
    assert ran.returncode == 0, ran.stdout[-1000:] + ran.stderr[-3000:]
    told = [line["usage"] for line in server.state.requests]
    total = total_in(ran.stderr)
    assert total.calls == (6 if name == "strands" else 4)
    if (name, surface) != ("strands", "messages"):  # which sends each call twice: its client outlives its event loop
        assert total.calls == len(told)
        assert total.read_percent == pytest.approx(100 * _read(told) / sum(map(_input_of, told)), abs=1)
    assert total.read_percent >= (60 if surface == "messages" else 35)
    assert total.saved_usd > 0
    if name == "strands":
        assert "It rains in Paris." in ran.stdout


def _read(told):
    details = ("input_tokens_details", "prompt_tokens_details")
    return sum(
        usage.get("cache_read_input_tokens")
        or next((usage[name]["cached_tokens"] for name in details if usage.get(name)), 0)
        for usage in told
    )


def test_every_program_of_the_surfaces_is_run():
    assert {path.stem.removesuffix("_surfaces_program") for path in UNMODIFIED.glob("*_surfaces_program.py")} == {
        name for name, _, _ in PROGRAMS
    }
