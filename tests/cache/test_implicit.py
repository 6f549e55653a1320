"""GPT-5.6 and later: a point of the service's own at the latest message, explicit points, no fallback, thirty minutes.

Counters are those recorded on Bedrock: notebook 04 of aws-samples/sample-per-model-bedrock (2026-08-22; sfc-01 to
sfc-04 below) and the spec of Boise-State-Development/agentcore-public-stack (2026-09-05). Segments are given the
recorded token counts.
"""

from dataclasses import replace
from datetime import date

import msgspec
import pytest

from rockbottom.cache import Namespace, PointFate, PrefixCache, behaviour_of, step
from rockbottom.catalog import load_catalog
from rockbottom.prompt import Api, BlockKind, CachePoint, Parameters, Section, Segment, digest_of, prompt_of
from rockbottom.quantities import Ttl

CATALOG = load_catalog()
DAY = date(2026, 10, 20)
SOL = CATALOG.rules(CATALOG.model("openai.gpt-5.6-sol"), DAY)
GPT_54 = CATALOG.rules(CATALOG.model("openai.gpt-5.4"), DAY)
OSS = CATALOG.rules(CATALOG.model("openai.gpt-oss-120b"), DAY)
HERE = Namespace("1", "us-east-1", "sol")
MINUTES = 60.0


def prompt(*parts, marks=(), implicit=None, api=Api.RESPONSES, key=""):
    """A prompt of (message, text, tokens), marked after the parts with these numbers."""
    segments = [
        Segment(Section.MESSAGES, BlockKind.TEXT, digest_of("text", "user", text.encode()), tokens, 1, "user", message)
        for message, text, tokens in parts
    ]
    points = [CachePoint(after, None, Section.MESSAGES, BlockKind.TEXT) for after in marks]
    return prompt_of(api, segments, points, Parameters(effort="", cache_key=key), implicit)


class Talk:
    """Requests one after another at one place, with switches."""

    def __init__(self, rules=SOL, **chosen):
        self.rules, self.behaviour, self.state = rules, behaviour_of(CATALOG.switches, **chosen), PrefixCache()

    def say(self, asked, now=0.0, place=HERE):
        self.state, result = step(self.state, asked, now, self.rules, self.behaviour, place)
        assert sum(result.writes.values()) == result.writes.get(Ttl.THIRTY_MINUTES, 0)
        return result.read, result.written, result.uncached


DOC = (0, "reference document", 1895)


def test_an_explicit_point_on_the_first_part_leaves_the_question_uncached():
    """sfc-01: 1,895 written, 20 left; the next question reads 1,895 and leaves 21. The last two are the header."""
    talk = Talk()
    assert talk.say(prompt(DOC, (0, "A?", 18), marks=[1], implicit=False)) == (0, 1895, 20)
    assert talk.say(prompt(DOC, (0, "B?", 19), marks=[1], implicit=False), 5) == (1895, 0, 21)


def test_explicit_without_a_mark_neither_reads_nor_writes():
    """sfc-02: the same document, cached just before."""
    talk = Talk()
    talk.say(prompt(DOC, (0, "A?", 18), marks=[1], implicit=False))
    assert talk.say(prompt(DOC, (0, "C?", 8), implicit=False), 5)[:2] == (0, 0)


def test_an_implicit_request_does_not_fall_back_to_an_entry_inside_its_message():
    """sfc-03: the document was cached, and yet all 1,903 tokens are written and none is read."""
    talk = Talk()
    talk.say(prompt(DOC, (0, "A?", 18), marks=[1], implicit=False))
    assert talk.say(prompt(DOC, (0, "C?", 8), implicit=True), 5) == (0, 1903, 2)


def test_a_point_behind_a_changing_text_below_the_minimum_does_nothing():
    """sfc-04: never a hit."""
    talk = Talk()
    for question in ("10:01?", "10:02?"):
        assert talk.say(prompt((0, question, 12), DOC, marks=[1], implicit=False))[:2] == (0, 0)


def test_history_that_only_grows_is_read_at_its_old_latest_message():
    """Boise: turns of 3,679, then 21, 22 and 22 tokens more; each reads all of the one before."""
    talk, parts, seen = Talk(), [], []
    for turn, (tokens, now) in enumerate(((3679, 0.0), (21, 30.0), (22, 108.0), (22, 126.0))):
        parts.append((turn, f"turn {turn}", tokens))
        seen.append(talk.say(prompt(*parts), now))
    assert seen == [(0, 3679, 2), (3679, 21, 2), (3700, 22, 2), (3722, 22, 2)]


def test_reports_of_whole_rewrites_are_the_other_side_of_a_switch():
    talk = Talk(implicit_lookback="none")
    talk.say(prompt((0, "one", 2000)))
    assert talk.say(prompt((0, "one", 2000), (1, "two", 20)), 5)[:2] == (0, 2020)


def test_an_identical_repeat_reads_everything_but_the_header():
    """sfc-08: 2,412 written, then 2,412 read."""
    talk = Talk()
    assert talk.say(prompt((0, "terse" * 400, 2412))) == (0, 2412, 2)
    assert talk.say(prompt((0, "terse" * 400, 2412)), 5) == (2412, 0, 2)


def test_a_short_prompt_is_not_written():
    """sfc-09: 17 tokens."""
    assert Talk().say(prompt((0, "hello", 15))) == (0, 0, 17)


def test_both_together_write_the_document_and_the_whole():
    """Mode implicit with one mark: another question reads the document, which implicit alone does not (sfc-03)."""
    talk = Talk()
    assert talk.say(prompt(DOC, (0, "A?", 18), marks=[1], implicit=True)) == (0, 1913, 2)
    assert talk.say(prompt(DOC, (0, "B?", 19), marks=[1], implicit=True), 5) == (1895, 19, 2)


def test_an_entry_lives_thirty_minutes_and_a_read_renews_it_where_the_switch_says_so():
    for slides, read in (("yes", 2412), ("no", 0)):
        talk = Talk(thirty_minutes_slide=slides)
        asked = prompt((0, "terse", 2412))
        talk.say(asked)
        assert talk.say(asked, 29 * MINUTES)[0] == 2412
        assert talk.say(asked, 31 * MINUTES)[0] == read
    talk = Talk()
    talk.say(asked)
    assert talk.say(asked, 30 * MINUTES)[0] == 0


def test_of_more_than_four_points_the_latest_four_are_written():
    """The model card: at most four writes a request. The first of five points makes no entry."""
    talk = Talk()
    parts = [(0, f"part {number}", 1100) for number in range(5)]
    assert talk.say(prompt(*parts, marks=range(1, 6), implicit=False)) == (0, 5500, 2)
    assert talk.say(prompt(parts[0], (0, "else", 10), marks=[1], implicit=False), 5)[:2] == (0, 1100)
    assert talk.say(prompt(*parts[:2], (0, "else", 10), marks=[2], implicit=False), 5)[:2] == (2200, 0)


def test_another_key_or_host_is_another_place_unless_the_switch_says_otherwise():
    asked = prompt((0, "terse", 2412), key="a")
    for name, other, there in (
        ("cache_key_in_key", prompt((0, "terse", 2412), key="b"), HERE),
        ("host_in_key", asked, replace(HERE, host="bedrock-mantle")),
    ):
        for side, read in (("yes", 0), ("no", 2412)):
            talk = Talk(**{name: side})
            talk.say(asked)
            assert talk.say(other, 5, there)[0] == read


def test_gpt_5_4_writes_for_nothing_and_reads_now_and_then():
    """Boise's pair on mantle (0, then 3,642 read of 3,702) and the notebook's four misses are the sides of a switch."""
    parts = ((0, "p", 3679), (1, "q", 21))
    talk = Talk(GPT_54)
    assert [talk.say(prompt(*parts[:turn]), turn) for turn in (1, 2)] == [(0, 0, 3681), (0, 0, 3702)]
    talk = Talk(GPT_54, best_effort_reads="always")
    assert [talk.say(prompt(*parts[:turn]), turn) for turn in (1, 2)] == [(0, 0, 3681), (3679, 0, 23)]


def test_gpt_oss_passes_points_over():
    """sfc-07: accepted, no counters."""
    talk = Talk(OSS)
    assert talk.say(prompt(DOC, marks=[1]))[:2] == (0, 0)
    assert talk.say(prompt(DOC, marks=[1]))[:2] == (0, 0)


def test_converse_has_the_point_of_the_service_too():
    """sfc-30: the repeat of 2,707 tokens is read on Converse, where a cachePoint is refused."""
    talk = Talk()
    asked = prompt((0, "page", 2707), api=Api.CONVERSE)
    assert talk.say(asked) == (0, 2707, 2)
    assert talk.say(asked, 5) == (2707, 0, 2)


@pytest.mark.parametrize("turns", [5])
def test_a_static_point_is_dearer_than_the_services_own_on_a_growing_talk(turns):
    """Boise's five turns, 5,807 static and more each turn: explicit reads 4 times the static part and no more."""
    static, growth = (0, "static", 5807), [(turn, f"turn {turn}", 1519) for turn in range(1, turns)]
    explicit, implicit = Talk(), Talk()
    told = [explicit.say(prompt(static, *growth[:turn], marks=[1], implicit=False), turn) for turn in range(turns)]
    assert (sum(read for read, _, _ in told), sum(written for _, written, _ in told)) == (4 * 5807, 5807)
    grown = [implicit.say(prompt(static, *growth[:turn]), turn) for turn in range(turns)]
    assert sum(left for _, _, left in grown) == 10  # five headers, as recorded
    assert sum(written for _, written, _ in grown) == 5807 + 4 * 1519


def test_a_mark_on_what_a_tool_answered_is_accepted_and_writes_nothing():
    """openai-forum-1386415: no error, no write; a mark on the question before it does write."""
    talk = Talk()
    asked = prompt((0, "question", 2000), (1, "result", 3000), marks=[2], implicit=False)
    result = asked.segments[1]
    segments = asked.segments[0], msgspec.structs.replace(result, kind=BlockKind.TOOL_RESULT)
    on_result = prompt_of(
        asked.api, segments, [replace(asked.points[0], follows=BlockKind.TOOL_RESULT)], asked.parameters, False
    )
    assert talk.say(on_result) == (0, 0, 5002)
    outcome = step(PrefixCache(), on_result, 0.0, SOL, talk.behaviour, HERE)[1]
    assert outcome.points == (PointFate.PASSED_OVER,)
    on_question = prompt_of(
        asked.api, segments, [CachePoint(1, None, Section.MESSAGES, BlockKind.TEXT)], asked.parameters, False
    )
    assert talk.say(on_question, 5) == (0, 2000, 3002)
    assert talk.say(on_question, 9) == (2000, 0, 3002)
