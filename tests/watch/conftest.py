"""A ledger to write into, the traffic of ``traffic.py``, and one Chromium."""

import pytest


@pytest.fixture
def folder(tmp_path):
    """The folder of a ledger that does not exist yet."""
    return tmp_path / "ledger"


@pytest.fixture
def record(folder):
    """Write calls into the ledger."""
    from rockbottom.ledger import LedgerWriter

    def written(*calls):
        writer = LedgerWriter(folder)
        for call in calls:
            writer.record(call)
        writer.close()

    return written


@pytest.fixture(scope="session")
def browser(chromium):
    """One Chromium for all tests of the page."""
    from tests.rendering.chromium_page import Browser

    found = Browser(chromium)
    yield found
    found.close()
