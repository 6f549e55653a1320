"""What every test may rely on: hypothesis profiles, recorded data, and no silent skips in CI."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings

REPO = Path(__file__).resolve().parent.parent
os.environ["ROCKBOTTOM_FACTS"] = ""  # nothing measured on this machine changes what is expected here
os.environ["ROCKBOTTOM_PRICES"] = ""  # nor what was pulled
IN_CI = os.environ.get("ROCKBOTTOM_CI") == "1"

# A job that a shell starts in the background ignores ctrl-C, and so would all that it starts: what tests interrupt
# must be able to hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # the same of nohup and the end of a terminal
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile("ci", deadline=None, max_examples=60, derandomize=True, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "default"))


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the source tree."""
    return REPO


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """The folder of recorded traffic, which is not part of the project; skips where it is absent."""
    folder = Path(os.environ.get("ROCKBOTTOM_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("recorded traffic is not here: set ROCKBOTTOM_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium, for tests that look at a page in a real browser."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return _program(*names, why="needs Chromium: apt-get install chromium")


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js, for tests that use the JavaScript SDK."""
    return _program("node", "nodejs", why="needs Node.js: apt-get install nodejs npm")


def _program(*names: str, why: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(why)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI everything is installed, so a skip there hides something and counts as a failure."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        _fail_unless_excused(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """The same for a whole file that skips itself."""
    report = yield
    if IN_CI and report.skipped:
        _fail_unless_excused(report)
    return report


def _fail_unless_excused(report) -> None:
    reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
    if "ROCKBOTTOM_DATA" in reason:  # recorded traffic belongs to others and cannot be installed
        return
    if any(f"make {name}" in reason for name in ("sdks", "peers", "deploy")):  # tested in environments of their own
        return
    report.outcome = "failed"
    report.longrepr = f"skipped in CI, where nothing may be: {reason}"
