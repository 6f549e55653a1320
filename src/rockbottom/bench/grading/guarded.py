"""Checks run where they can be stopped: in a process of their own, with a deadline for each.

Python's regular expressions backtrack, and some take longer than the universe is old on twenty characters; a schema may
hold such an expression too. What is not decided by the deadline is undecided, the process is ended, and a new one takes
the rest.
"""

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO, Any

import msgspec

from rockbottom.figures import duration
from rockbottom.grading import RISKY, Check, CheckOutcome, checked

DEADLINE_S = 5.0
_CHILD = "import sys; from rockbottom.bench.grading.guarded import serve; serve(sys.stdin.buffer, sys.stdout.buffer)"


class _Question(msgspec.Struct):
    check: Check
    text: str


@dataclass(slots=True)
class GuardedChecker:
    """Decides checks; use it in a ``with`` block. ``deadline_s`` is how long one risky check may take."""

    deadline_s: float = DEADLINE_S
    _child: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> "GuardedChecker":
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()

    def outcome(self, check: Check, text: str) -> CheckOutcome:
        """The outcome of a check on the text of an answer."""
        return self._elsewhere(check, text) if check.kind in RISKY else checked(check, text)

    def _elsewhere(self, check: Check, text: str) -> CheckOutcome:
        child = self._running()
        assert child.stdin is not None
        assert child.stdout is not None
        timer = Timer(self.deadline_s, child.kill)
        timer.start()
        try:
            child.stdin.write(msgspec.json.encode(_Question(check, text)) + b"\n")
            child.stdin.flush()
            line = child.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if line:
            return msgspec.json.decode(line, type=CheckOutcome)
        self._end()
        return CheckOutcome(None, f"not decided within {duration(self.deadline_s)}")

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._child is None:
            import rockbottom

            # The child must find the same package, also when the caller found it through sys.path alone.
            home = str(Path(rockbottom.__file__).parents[1])
            path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
            child = subprocess.Popen(
                [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
            assert child.stdout is not None
            child.stdout.readline()  # it has started: the deadline is the check's alone
            self._child = child
        return self._child

    def _end(self) -> None:
        if self._child is None:
            return
        child, self._child = self._child, None
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                _close(pipe)
        child.wait()


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # what it still held has no reader any more
        pipe.close()


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer questions, a JSON line each, until there are none; the first line out says that it has begun."""
    _say(answers, CheckOutcome(None, "ready"))
    for line in questions:
        question = msgspec.json.decode(line, type=_Question)
        try:
            outcome = checked(question.check, question.text)
        except (RecursionError, MemoryError, OverflowError) as error:
            outcome = CheckOutcome(None, f"not decided: {type(error).__name__}")
        _say(answers, outcome)


def _say(answers: IO[bytes], value: Any) -> None:
    answers.write(msgspec.json.encode(value) + b"\n")
    answers.flush()
