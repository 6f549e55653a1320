"""What is done at the end of a process: tried in processes of their own."""

import subprocess
import sys

MEMBER = """
from rockbottom.process import close_at_exit, end_at_exit

class Member:
    __hash__ = None
    def end(self): print("ended")
    def close(self): print("closed")

class Failing:
    def end(self): raise OSError("the disk is full")
    close = end
"""


def output_of(program: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", MEMBER + program], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.split()


def test_all_end_before_any_is_closed():
    """What ends may still hand something to what is closed, whoever was registered first."""
    program = "member = Member(); close_at_exit(member, until_end=True); end_at_exit(member, until_end=True)"
    assert output_of(program) == ["ended", "closed"]


def test_one_that_fails_does_not_keep_the_others_from_their_turn():
    """And says nothing: nobody is there to be told."""
    program = "failing = Failing(); end_at_exit(failing); close_at_exit(failing); end_at_exit(Member(), until_end=True)"
    assert output_of(program) == ["ended"]


def test_what_is_kept_is_closed_though_nobody_remembers_it():
    """A client may be collected long before its sinks have delivered."""
    assert output_of("close_at_exit(Member(), until_end=True)") == ["closed"]


def test_what_is_not_kept_is_left_alone_after_its_life():
    """Members are remembered weakly."""
    program = "Member.__hash__ = object.__hash__; close_at_exit(Member()); end_at_exit(Member())"
    assert output_of(program) == []


def test_a_member_registered_twice_is_closed_once():
    """As a sink is that registered itself and that a client keeps."""
    program = """
Member.__hash__ = object.__hash__
member = Member()
close_at_exit(member)
close_at_exit(member, until_end=True)
"""
    assert output_of(program) == ["closed"]
