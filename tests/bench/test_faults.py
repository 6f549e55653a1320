"""Failures that really happen on the wire, made on purpose by an endpoint of its own."""

import json
from contextlib import suppress
from urllib.request import Request, urlopen

import pytest
from msgspec import to_builtins

from rockbottom.bench import EndpointDied, EndpointRefused, LocalEndpoint, prepare, read_workload, resume
from rockbottom.local import running


@pytest.fixture
def faulty():
    """An endpoint of its own, and a function that adds faults to it."""
    with running() as server:

        def add(**fault) -> None:
            body = json.dumps({"count": None, **fault}).encode()
            with urlopen(Request(f"{server.url}/_rockbottom/faults", body, method="POST")) as answer:
                answer.read()

        def clear() -> None:
            with urlopen(Request(f"{server.url}/_rockbottom/faults", method="DELETE")) as answer:
                answer.read()

        yield server.url, add, clear


def _bench(text, url, tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text(text)
    return prepare(file, LocalEndpoint(url, retries=1, timeout_s=2.0), lanes=["cached"], runs=tmp_path / "runs")


@pytest.mark.parametrize(
    ("stream", "fault"),
    [
        pytest.param(True, {"kind": "cut", "after_events": 2}, id="stream closed in the middle"),
        pytest.param(
            True,
            {"kind": "cut", "after_events": 2, "code": "ModelStreamErrorException"},
            id="stream ends in an exception",
        ),
        pytest.param(False, {"kind": "error", "code": "InternalServerException"}, id="500"),
        pytest.param(False, {"kind": "error", "code": "ThrottlingException"}, id="throttled"),
        pytest.param(False, {"kind": "timeout", "seconds": 0}, id="timed out"),
    ],
)
def test_a_service_that_fails_loses_nothing(faulty, small, tmp_path, stream, fault):
    """The turn before the failure is kept, and the run goes on to the end once the service is well again."""
    url, add, clear = faulty
    bench = _bench(f"{small}stream: {str(stream).lower()}\n", url, tmp_path)

    class Watch:
        def begun(self, key, turns):
            """Nothing."""

        def measured(self, turn):
            """Break the service after the second turn."""
            if len(bench.notebook.turns) == 2:
                add(**fault)

        def ended(self, ended):
            """Nothing."""

    with pytest.raises(EndpointDied) as caught:
        bench.run(watcher=Watch())
    assert caught.value.finished == 2
    clear()
    again = resume(bench.notebook.folder, LocalEndpoint(url))
    again.run()
    lanes = to_builtins(again.document())["models"][0]["lanes"]
    assert [len(lane["turns"]) for lane in lanes] == [3, 3]
    assert all(lane["status"] == "ran" for lane in lanes)
    assert lanes[1]["turns"][1]["read"] == lanes[1]["turns"][0]["write"] > 0


def test_without_access_to_a_model_the_run_stops_and_says_so(faulty, small, tmp_path):
    """The service's words, and where to ask for access."""
    url, add, _ = faulty
    add(kind="error", code="AccessDeniedException")
    with pytest.raises(EndpointRefused, match="no access to amazon") as caught:
        _bench(small, url, tmp_path).run()
    assert "enable the model" in caught.value.fix


def test_a_validation_error_fails_its_lane_with_the_services_words(faulty, small, tmp_path):
    """The run goes on, and the verdict shows what the service said."""
    url, add, _ = faulty
    add(kind="error", code="ValidationException", message="no such thing", count=1)
    bench = _bench(small, url, tmp_path)
    bench.run()
    baseline, cached = to_builtins(bench.document())["models"][0]["lanes"]
    assert (baseline["status"], baseline["why"]) == ("refused", "ValidationException: no such thing")
    assert cached["status"] == "ran"
    assert cached["saved"] is None
    assert cached["verdicts"][-1]["says"] == "the baseline did not finish, so there is nothing to compare with"


def test_a_workload_of_random_bytes_is_an_error_and_no_crash():
    """Whatever is in the file, the answer is one clear error."""
    from hypothesis import given
    from hypothesis import strategies as st

    from rockbottom.bench import InvalidWorkload

    fields = st.sampled_from(["name", "api", "system", "tools", "layers", "conversations", "traffic", "models", "x"])
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=3),
        max_leaves=8,
    )

    @given(st.text(max_size=60) | st.dictionaries(fields, values, max_size=5).map(json.dumps))
    def check(text: str) -> None:
        with suppress(InvalidWorkload):
            read_workload(text)

    check()
