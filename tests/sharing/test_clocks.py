"""How far another machine's clock is off ours."""

from rockbottom.sharing.clocks import Clocks


def test_the_least_of_what_entries_were_late_is_the_clock():
    """An entry takes its way, and who reads it may have been paused: of 600.2, 630 and 600.1 s the clock is 600.1 s."""
    clocks = Clocks()
    for told_at, now in ((0.0, 600.2), (100.0, 730.0), (200.0, 800.1)):
        clocks.saw("one", told_at, now)
    assert clocks.behind_s("one") == 800.1 - 200.0
    assert clocks.behind_s("other") == 0.0


def test_clocks_that_agree_to_some_seconds_are_left_alone():
    clocks = Clocks()
    clocks.saw("one", 100.0, 104.0)
    clocks.saw("other", 104.0, 100.0)
    assert clocks.behind_s("one") == clocks.behind_s("other") == 0.0


def test_a_clock_that_is_set_right_is_believed_after_some_entries():
    clocks = Clocks()
    for number in range(40):
        clocks.saw("one", number - (0.0 if number < 8 else 900.0), float(number))
    assert clocks.behind_s("one") == 900.0


def test_members_that_are_gone_are_forgotten():
    clocks = Clocks()
    for number in range(1200):
        clocks.saw(str(number), 0.0, 100.0)
    assert (clocks.behind_s("0"), clocks.behind_s("1199")) == (0.0, 100.0)
