"""Application inference profiles are looked up beside the calls: no call stands still where nothing answers."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials

import rockbottom
from rockbottom.catalog import UnresolvedProfile
from rockbottom.client.control_plane import lookup_at
from rockbottom.client.profiles import KEEP_S, RETRY_S, ProfileResolver
from rockbottom.local import Running
from tests.client.client_doubles import ask, runtime

ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl"
KEYS = Credentials("AKIDEXAMPLE000000000", "local")
OTHER = f"{ARN[:-1]}m"
SONNET = {"models": [{"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6"}]}


class ControlPlane:
    """Answers when it is let go; counts what it was asked."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []
        self.fails = False

    def __call__(self, arn: str) -> dict[str, Any]:
        self.asked.append(arn)
        self.let_go.wait(20)
        if self.fails:
            raise TimeoutError
        return SONNET


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    made = ControlPlane()
    yield made
    made.let_go.set()


def answered(resolve: ProfileResolver, arn: str = ARN) -> str:
    """What it answers once the question under way has ended."""
    for _ in range(200):
        try:
            return resolve(arn)
        except UnresolvedProfile:
            time.sleep(0.05)
    raise AssertionError("it never answered")


def test_a_question_that_nobody_answers_is_waited_for_once_and_no_other_is(plane: ControlPlane) -> None:
    resolve = ProfileResolver(plane, patience_s=2)
    for arn, at_least, at_most in ((ARN, 2.0, 20.0), (ARN, 0.0, 1.8), (OTHER, 0.0, 1.8)):
        began = time.monotonic()
        with pytest.raises(UnresolvedProfile):
            resolve(arn)
        assert at_least <= time.monotonic() - began < at_most
    assert plane.asked == [ARN, OTHER]
    plane.let_go.set()
    assert answered(resolve) == answered(resolve, OTHER) == "anthropic.claude-sonnet-4-6"


def test_many_who_ask_at_once_ask_once(plane: ControlPlane) -> None:
    resolve = ProfileResolver(plane, patience_s=20)
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(resolve(ARN))) for _ in range(12)]
    for thread in threads:
        thread.start()
    plane.let_go.set()
    for thread in threads:
        thread.join(20)
    assert answers == ["anthropic.claude-sonnet-4-6"] * 12
    assert plane.asked == [ARN]


def test_what_was_known_is_answered_while_it_is_asked_anew(plane: ControlPlane) -> None:
    clock = Clock()
    resolve = ProfileResolver(plane, clock, patience_s=20)
    plane.let_go.set()
    assert resolve(ARN) == "anthropic.claude-sonnet-4-6"
    plane.let_go.clear()
    clock.now = KEEP_S + 1
    assert resolve(ARN) == "anthropic.claude-sonnet-4-6"  # the second question has no answer yet
    plane.let_go.set()


def test_a_failure_is_asked_anew_ten_minutes_later_and_no_call_waits_for_it(plane: ControlPlane) -> None:
    clock = Clock()
    resolve = ProfileResolver(plane, clock, patience_s=20)
    plane.fails = True
    plane.let_go.set()
    for _ in range(2):
        with pytest.raises(UnresolvedProfile):
            resolve(ARN)
    assert plane.asked == [ARN]
    plane.let_go.clear()
    plane.fails, clock.now = False, RETRY_S + 1
    with pytest.raises(UnresolvedProfile):
        resolve(ARN)
    plane.let_go.set()
    assert answered(resolve) == "anthropic.claude-sonnet-4-6"


def test_a_control_plane_that_never_answers_holds_no_call_up(endpoint: Running) -> None:
    """The second call, and every later one, leaves at once; the first waits as long as patience lasts."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        resolve = ProfileResolver(lookup_at(lambda: KEYS, url), patience_s=0.2)
        client = rockbottom.attach(runtime(endpoint), resolve=resolve)
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(Exception, match="was not found"):
                client.converse(**ask(modelId=ARN))
        assert time.monotonic() - began < 8  # a look-up gives up after 20 s, one without patience after 300
