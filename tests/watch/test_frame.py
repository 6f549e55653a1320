"""The frame of the terminal: it fits, it says what matters first, and colour only repeats it."""

import re
from datetime import UTC

import pytest

from rockbottom.watch import View, period_named
from rockbottom.watch.frame import Screen, frame_of
from rockbottom.watch.paging import pages_of_tags
from rockbottom.watch.screen import Live
from tests.watch.traffic import a_day, catalog, read, write

NOW = 1_795_000_000.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def shot(folder, record):
    """A snapshot of what is recorded; ``shot(*calls, period=...)``."""

    def made(*calls, period="1h"):
        record(*calls)
        view = View(folder, catalog(), lambda: NOW, lambda: 0.0)
        view.follow(1)
        found = view.snapshot(period_named(period))
        view.close()
        return found

    return made


def lines_of(found, **how):
    """The frame without colour codes."""
    return [_COLOUR.sub("", line) for line in frame_of(found, Screen(zone=UTC, **how))]


@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 8), (60, 15), (132, 50), (200, 24), (100, 30)])
@pytest.mark.parametrize("keys", [True, False])
def test_a_frame_fits_its_screen_exactly(shot, columns, rows, keys):
    """As many lines as there are rows, none wider than the screen; the keys are the last line."""
    lines = lines_of(
        shot(*a_day(NOW, seconds=20_000), period="24h"), columns=columns, rows=rows, keys=keys, colour=True
    )
    assert len(lines) == rows
    assert max(map(len, lines)) <= columns
    assert lines[-1].startswith(" 1 15m" if columns >= 80 else " 1-5 [24h]   e AWS/local") is keys
    assert (" q quit" in lines[-1]) is (keys and columns >= 60)


def test_at_80_by_24_every_question_is_answered(shot):
    """Hit rate, spend, saving, what is lost, the worst prefix and the latest miss with its cause, on one screen."""
    text = "\n".join(lines_of(shot(*a_day(NOW, seconds=80_000), period="24h"), rows=24, keys=True))
    for words in (
        "hit rate",
        "spend",
        "saved",
        "lost",
        "first token p50/p95",
        "worst prefixes",
        "latest misses",
        "changes every time",
    ):
        assert words in text


def test_simulated_figures_are_labelled(shot):
    """In capitals, above the figures."""
    lines = lines_of(shot(read(NOW - 40, endpoint="local")), rows=24)
    assert lines[1].startswith(" SIMULATED: calls to the local endpoint")


def test_an_empty_ledger_says_how_to_fill_it(folder):
    """Nothing is recorded: what to type, and where it is looked for."""
    view = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    text = "\n".join(lines_of(view.snapshot(period_named("1h")), rows=24, columns=200))
    assert "No calls in the last hour." in text
    assert "ledger=True" in text
    assert str(folder) in text


def test_a_quiet_hour_says_when_the_latest_call_was(shot):
    """Three hours ago."""
    assert " No calls in the last hour. The latest was 3 hours ago." in lines_of(shot(read(NOW - 3.2 * 3600)), rows=24)


def test_colour_is_only_where_it_is_wanted(shot):
    """Without colour there is no escape code, and the words are the same."""
    found = shot(write(NOW - 1000), write(NOW - 100))
    plain = frame_of(found, Screen(zone=UTC))
    assert not any("\x1b" in line for line in plain)
    assert lines_of(found, colour=True) == plain


def test_a_tag_cannot_speak_to_the_terminal(shot):
    """A tenant that names itself with escape codes and a line of its own is shown as text, in one line."""
    lines = frame_of(shot(read(NOW - 40, tags={"tenant": "a\x1b]0;owned\x07\nb\x9b2J"})), Screen(zone=UTC))
    assert not any(set(line) & set("\x1b\x07\n\x9b") for line in lines)
    assert any("tenant=a?]0;owned??b?2J" in line for line in lines)


@pytest.mark.parametrize("key", ["²", "٣", "9", "é"])
def test_a_key_that_means_nothing_does_nothing(folder, key):
    """Some keyboards have a key for ², which is a digit and no number."""
    view = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    assert Live(view, period_named("1h"), "auto", 2.0)._key(key, Screen())


def test_the_hand_worked_frame(shot):
    """Two writes 900 s apart of 4,000 tokens each: nothing was read, 0.03168 dollars spent, one miss."""
    lines = lines_of(shot(write(NOW - 1000), write(NOW - 100)))
    text = "\n".join(lines)
    assert lines[0].startswith(" rockbottom watch · last hour, since ")
    assert "0.0%" in text
    assert re.search(r"the entry had expired +4,000 +0\.0\d+ 15 min since it was last used", text)


def test_every_team_can_be_seen(shot):
    """Forty teams: the overview says how many there are, and the pages behind t list each once, the dearest first."""
    found = shot(*(read(NOW - 400 + n, size=4000 + 100 * n, tags={"team": f"team-{n:02}"}) for n in range(40)))
    overview = "\n".join(lines_of(found, rows=24, keys=True))
    assert "tag (40; t: all)" in overview
    pages = [lines_of(found, rows=24, keys=True, tags_page=page) for page in range(1, pages_of_tags(found, 24) + 1)]
    told = [line.split()[0] for page in pages for line in page if "team=" in line]
    assert told == [f"team=team-{n:02}" for n in reversed(range(40))]


def test_a_model_without_a_price_costs_no_zero_dollars(shot):
    """Its line says that there is no price, and the notice names it."""
    text = "\n".join(lines_of(shot(read(NOW - 5, cost_usd=None, uncached_usd=None))))
    assert "no price" in text
    assert "in no sum of money:\n   anthropic.claude-sonnet-4-6." in text


def test_a_printed_frame_has_every_team(shot):
    """Nobody can press a key there: 29 teams are 29 rows, of 70 the last ten are counted."""
    for teams, last in ((29, "team=29"), (70, "and 10 more")):
        found = shot(*(read(NOW - 60, tags={"team": f"{team + 1:02d}"}) for team in range(teams)))
        assert any(last in line for line in lines_of(found)), teams
