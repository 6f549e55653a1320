"""A text that is asked for at a length gets that length, and a limit below it cuts it."""

import time

import pytest

from rockbottom.local.lengths import long_text

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
SAID = "The prompt does not say."


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Write a detailed story about a space adventure. Make it at least 500 words long.", 500),
        ("Write a 1000-word essay about tea, with its history", 1000),
        ("Write no fewer than 300 words on tea", 300),
        ("Write 1,500 words on tea", 1500),
        ("Generate 20 paragraphs of lorem ipsum", 1600),
        ("Write an essay of 3 pages", 1200),
        ("Tell me a story!", 400),
        ("Count to 100.", 100),
        ("Please count from 5 up to 2,000", 1996),
    ],
)
def test_a_length_that_is_asked_for_is_written(question, words):
    assert len(long_text(question, SAID).split()) == words


@pytest.mark.parametrize(
    "question",
    [
        "Summarize this in 50 words",
        "Write a short story",
        "Write a one-sentence story",
        "Answer in under 200 words",
        "Write at most 300 words",
        "Write no more than 300 words",
        "Write 300 words or fewer",
        "What is the story of this contract?",
        "The count of votes is due to 2000 people",
        "write code to count words",
    ],
)
def test_what_asks_for_no_length_is_answered_as_it_is(question):
    assert long_text(question, SAID) is None


def test_counting_says_every_number():
    assert long_text("Count from 8 to 11", SAID) == "8, 9, 10, 11"


@pytest.mark.parametrize("repeated", ["\n", " ", "under 200 words. ", "5 words and ", "count to ", "write a "])
def test_a_length_is_looked_for_in_one_pass_over_the_question(repeated):
    """What a text repeats 100,000 times takes no minutes: pairs of places are ten thousand million."""
    began = time.process_time()
    assert long_text(f"write {repeated * 100_000}", SAID) is None
    assert time.process_time() - began < 5


def test_a_limit_below_the_length_ends_the_reply(runtime):
    reply = runtime.converse(
        modelId=MODEL, messages=[{"role": "user", "content": [{"text": "Write 1000 words about tea."}]}],
        inferenceConfig={"maxTokens": 100},
    )  # fmt: skip
    assert reply["stopReason"] == "max_tokens"
    assert reply["usage"]["outputTokens"] == 100


def test_a_tool_that_takes_the_text_is_cut_too(runtime):
    schema = {"type": "object", "properties": {"story": {"type": "string"}}, "required": ["story"]}
    tool = {"name": "story_tool", "description": "Writes a story.", "inputSchema": {"json": schema}}
    request = {
        "modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "Tell me a story!"}]}],
        "toolConfig": {"tools": [{"toolSpec": tool}]},
    }  # fmt: skip
    cut = runtime.converse(**request, inferenceConfig={"maxTokens": 100})
    whole = runtime.converse(**request)
    assert (cut["stopReason"], whole["stopReason"]) == ("max_tokens", "tool_use")
    assert len(whole["output"]["message"]["content"][0]["toolUse"]["input"]["story"].split()) == 400
