"""Answers taken from the prompt, limits, and arguments made from schemas."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rockbottom.dialects import ANTHROPIC
from rockbottom.local.answers import NOTHING_FOUND, Answerer, limited
from rockbottom.local.asked import NeutralRequest, asked_of
from rockbottom.local.relevance import PassageFinder, _Text, terms_of
from rockbottom.local.schema_samples import sample_of

MANUAL = (
    "The gateway listens on port 8443. Restart it after every change of the certificate.\n"
    "Enterprise pricing starts at 900 dollars a month. Requests over the limit get error 429, so back off and retry.\n"
)


def words(text):
    """A count that can be done by hand: one token per word."""
    return len(text.split())


@pytest.mark.parametrize(
    "question, answer",
    [
        ("Which port does the gateway listen on?", "The gateway listens on port 8443."),
        ("What is the pricing for enterprises?", "Enterprise pricing starts at 900 dollars a month."),
        ("How do I handle a 429?", "Requests over the limit get error 429, so back off and retry."),
    ],
)
def test_the_sentence_that_bears_on_the_question_answers_it(question, answer):
    """The first reading (a search) and the second (an index) find the same sentence."""
    reader = PassageFinder()
    for _ in range(2):
        assert reader.passages([MANUAL], question, limit=1)[0].text == answer


def test_nothing_found_is_said():
    """A question about something else gets no invented answer."""
    assert Answerer().answer(NeutralRequest("Zebras?", [MANUAL]), words).content == ({"text": NOTHING_FOUND},)


def test_the_same_question_gets_the_same_answer():
    """Deterministic, whatever was asked before."""
    answerer = Answerer()
    first = answerer.answer(NeutralRequest("Which port?", [MANUAL]), words)
    answerer.answer(NeutralRequest("What does pricing start at?", [MANUAL]), words)
    assert answerer.answer(NeutralRequest("Which port?", [MANUAL]), words) == first


def test_the_reader_forgets_the_texts_used_longest_ago():
    """It keeps at most so many characters."""
    reader = PassageFinder(capacity_chars=3 * len(MANUAL))
    for number in range(10):
        reader.passages([f"{number}{MANUAL}"], "port?")
    assert sum(map(len, reader._known)) <= 3 * len(MANUAL) + 10


@given(st.lists(st.sampled_from([*MANUAL.lower().split(), "art", "cert", "art9", "-", "é"]), max_size=60))
def test_a_term_is_counted_as_often_as_it_stands_in_the_text(words):
    """What is remembered of it, and what no longer fits into what a text may remember."""
    text = " ".join(words)
    counts = _Text(0, text).counts
    for term in ["art", "cert", "o", "gateway", "99", "zebra"] * 2:
        assert counts[term] == text.count(term)


def test_a_word_that_is_nothing_but_endings_is_looked_for_itself():
    """``ations`` has an ending of six letters, and nothing before it."""
    assert terms_of("ations") == ("ations",)


def test_an_answer_is_cut_at_whole_words_and_the_first_stop_sequence():
    """'a b c d' with at most 2 words is 'a b'; stop sequences win when they come first."""
    assert limited("a b c d", NeutralRequest(max_tokens=2), words).content == ({"text": "a b"},)
    assert limited("a b c d", NeutralRequest(max_tokens=2), words).stop_reason == "max_tokens"
    stopped = limited("a b c d", NeutralRequest(stop_sequences=("d", " c")), words)
    assert (stopped.content, stopped.stop_reason, stopped.stop_sequence) == (({"text": "a b"},), "stop_sequence", " c")


@given(st.text(max_size=200), st.integers(1, 30))
def test_a_cut_answer_never_counts_more_than_its_limit(text, limit):
    """The tokens said never exceed maxTokens, nor do those of the text (one character is always left)."""
    answer = limited(text, NeutralRequest(max_tokens=limit), len)
    assert answer.output_tokens <= limit
    assert sum(len(block["text"]) for block in answer.content) <= limit


def test_documents_results_and_system_are_sources_and_the_last_text_is_the_question():
    """Converse: system, document bytes and text, tool results; the last user text asks."""
    asked = asked_of(
        {
            "system": [{"text": "S"}, {"cachePoint": {}}],
            "messages": [
                {"role": "user", "content": [{"document": {"source": {"bytes": "aGVsbG8="}}}, {"text": "first"}]},
                {"role": "assistant", "content": [{"text": "not a source"}]},
                {
                    "role": "user",
                    "content": [{"toolResult": {"content": [{"text": "R"}, {"json": {"a": 1}}]}}, {"text": "Q?"}],
                },
            ],
        }
    )
    assert (asked.sources, asked.question) == (["S", "hello", "first", "R", '{"a":1}'], "Q?")


def test_anthropic_bodies_are_read_the_same_way():
    """Strings and blocks, documents of text, tool results, limits."""
    body = ANTHROPIC.unspelled(
        {
            "system": "S",
            "max_tokens": 5,
            "stop_sequences": ["x"],
            "tool_choice": {"type": "tool", "name": "t"},
            "tools": [{"name": "t", "input_schema": {}}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "document", "source": {"type": "text", "data": "D"}},
                        {"type": "tool_result", "content": "R"},
                        {"type": "text", "text": "Q?"},
                    ],
                }
            ],
        }
    )
    asked = asked_of(body)
    assert (asked.sources, asked.question, asked.forced, asked.max_tokens, asked.stop_sequences) == (
        ["S", "D", "R"],
        "Q?",
        "t",
        5,
        ("x",),
    )


SCHEMA = {
    "type": "object",
    "required": ["kind", "size", "when", "tags", "nested", "choice"],
    "properties": {
        "kind": {"enum": ["b", "a"]},
        "size": {"type": "integer", "minimum": 3},
        "when": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
        "nested": {"$ref": "#/$defs/Part"},
        "choice": {"anyOf": [{"type": "null"}, {"type": "number", "maximum": 0.5}]},
        "unasked": {"type": "string"},
    },
    "$defs": {"Part": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 4}}}},
}


def test_arguments_satisfy_the_schema():
    """Enums, bounds, formats, references, alternatives; optional members are left out."""
    assert sample_of(SCHEMA, "hello there") == {
        "kind": "b",
        "size": 3,
        "when": "2026-01-01",
        "tags": [True, True],
        "nested": {"name": "hell"},
        "choice": 0.5,
    }


def test_a_schema_that_holds_itself_ends():
    """Recursion stops at a depth."""
    schema = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    assert "child" in sample_of(schema, "q")


_schema = st.recursive(
    st.dictionaries(
        st.sampled_from(["type", "enum", "$ref", "minItems", "maxLength", "format"]),
        st.sampled_from(["object", "array", "string", "#", "#/a/b", 3, None, ["null"], []]),
    ),
    lambda inner: st.dictionaries(
        st.sampled_from(["properties", "items", "anyOf", "allOf", "required"]), inner | st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_schema)
@example({"properties": [], "anyOf": [{"properties": {}}]})
@example({"required": {}, "allOf": [{"required": ["a"]}]})
def test_no_schema_breaks_the_arguments(schema):
    """Nonsense in a schema gives some object, never an error."""
    assert isinstance(sample_of(schema, "q"), dict)
