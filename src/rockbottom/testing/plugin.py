"""Options, markers and fixtures that pytest finds through the entry point ``pytest11``."""

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rockbottom.local import Running
    from rockbottom.pins import ConversationBill, PinCheck
    from rockbottom.testing.conversations import Conversation
    from rockbottom.testing.pinning import Pinner

_PINNER: "pytest.StashKey[Pinner]" = pytest.StashKey()
_TALK: "pytest.StashKey[Conversation]" = pytest.StashKey()
_ACCEPTED = "rockbottom_accepted"
_MARK = "rockbottom_budget"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--rockbottom-accept``, ``--rockbottom-with-text``, ``--rockbottom-pins`` and the ini option."""
    group = parser.getgroup("rockbottom", "rockbottom: pinned prompts")
    group.addoption("--rockbottom-accept", action="store_true", help="write what the prompts are now into the pin file")
    group.addoption(
        "--rockbottom-with-text", action="store_true", help="keep the text of accepted prefixes beside the pins"
    )
    group.addoption("--rockbottom-pins", metavar="FILE", help="the pin file, from the current folder")
    parser.addini("rockbottom_pins", "the pin file, from the root folder", default="rockbottom-pins.toml")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{_MARK}(max_usd=None, min_hit_rate=None, attached=False): what the calls of rockbottom_client may cost in US "
        "dollars, and how many percent of their input must be read from the cache (simulated)",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker of xdist what was pinned when the run began, so that two tests cannot take one name in turn."""
    if node.config.getoption("rockbottom_accept"):
        from rockbottom.testing.pinning import prefixes_in

        node.workerinput["rockbottom_seen"] = prefixes_in(node.config)


@pytest.fixture
def rockbottom_pin(request: pytest.FixtureRequest) -> "Callable[..., PinCheck]":
    """Fail the test when the cached prefix of a prompt is not the pinned one; see ``Pinner.pin`` for the arguments.

    ``rockbottom_pin(request_or_function, name="support agent", requests_per_month=200_000)``
    """
    from rockbottom.testing.pinning import Pinner

    stash = request.config.stash
    if _PINNER not in stash:
        stash[_PINNER] = Pinner.of(request.config)
    pinner, node = stash[_PINNER], request.node

    def pin(prompt: Any, name: str | None = None, **options: Any) -> "PinCheck":
        verdict = pinner.pin(prompt, name or node.nodeid, node.nodeid, node.location, **options)
        if verdict.accepted:
            node.user_properties.append((_ACCEPTED, verdict.name))
        return verdict

    return pin


@pytest.fixture
def rockbottom_budget() -> "Callable[..., ConversationBill]":
    """Hold a list of requests, sent one after another, to a budget, by the documented rules; nothing is called.

    ``rockbottom_budget(requests, max_usd="0.02", min_hit_rate=60, gap_s=30, output_tokens=[300, 200])``
    """
    from rockbottom.testing.conversations import budgeted

    return budgeted


@pytest.fixture(scope="session")
def rockbottom_endpoint() -> "Iterator[Running]":
    """A local Bedrock endpoint whose clock stands until it is moved; ``.url`` is its address."""
    from rockbottom.testing.conversations import endpoint

    with endpoint() as running:
        yield running


@pytest.fixture
def rockbottom_conversation(rockbottom_endpoint: "Running") -> "Callable[..., Conversation]":
    """A client on the local endpoint, and the bill of what is called with it.

    ``with rockbottom_conversation(max_usd="0.02", min_hit_rate=60, attached=True) as talk: agent(talk.client)``
    """
    from rockbottom.testing.conversations import Conversation

    def conversation(**options: Any) -> "Conversation":
        return Conversation(rockbottom_endpoint, **options)

    return conversation


@pytest.fixture
def rockbottom_talk(request: pytest.FixtureRequest, rockbottom_conversation: Any) -> "Conversation":
    """The conversation of this test, with the limits of its marker ``rockbottom_budget``."""
    mark = request.node.get_closest_marker(_MARK)
    talk = rockbottom_conversation(**(mark.kwargs if mark else {}))
    request.node.stash[_TALK] = talk
    return talk


@pytest.fixture
def rockbottom_client(rockbottom_talk: "Conversation") -> Any:
    """A bedrock-runtime client of boto3 on the local endpoint, held to the marker ``rockbottom_budget``."""
    return rockbottom_talk.client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """After a test with a budget: hold it to that."""
    result = yield
    if item.get_closest_marker(_MARK) is not None:
        if _TALK not in item.stash:
            pytest.fail(f"the marker {_MARK} needs the fixture rockbottom_client or rockbottom_talk", pytrace=False)
        item.stash[_TALK].hold()
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which pins were accepted."""
    if not config.getoption("rockbottom_accept"):
        return
    from rockbottom.testing.pinning import path_of

    reports = (report for reports in terminalreporter.stats.values() for report in reports)
    properties = (
        pair for report in reports if getattr(report, "when", "") == "call" for pair in report.user_properties
    )
    names = sorted({value for key, value in properties if key == _ACCEPTED})
    outcome = f"accepted {len(names)}: {', '.join(names)}" if names else "nothing to accept"
    terminalreporter.write_line(f"rockbottom: {outcome} ({path_of(config)})")
