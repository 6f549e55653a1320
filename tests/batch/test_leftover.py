"""What a run leaves without an answer, sent on demand: once, with consent, into the place of its records."""

import json

import pytest

from rockbottom import batch
from rockbottom.cli import main


@pytest.fixture
def left(place, kit):
    """Opens what is left of a run of 100 records of which every twentieth failed with 503."""
    place.control("POST", "jobs/faults", {"kind": "records", "every": 20, "code": 503})
    outcome = place.run(kit.pairs(100))
    assert outcome.left == 5

    def opened():
        return batch.reopen("a-run", place.cloud(), folder=place.folder, on=kit.ON)

    return opened


def _rows(place):
    return [json.loads(line) for line in (place.folder / "a-run" / "results.jsonl").read_text().splitlines()]


def test_answers_take_the_places_of_their_records(left, place, kit):
    """Five are sent, a hundred are there in the order of the input, and the bill is that of on demand."""
    with left() as prepared:
        one = batch.Leftover(prepared, lambda: 0.0)
        assert one.estimate().records == 5
        outcome = one.send()
    assert (outcome.left, outcome.answered, outcome.refused) == (5, 5, 0)
    rows = _rows(place)
    assert [row["recordId"] for row in rows] == [name for name, _ in kit.pairs(100)]
    assert all("modelOutput" in row for row in rows)
    assert sum(row.get("onDemand", False) for row in rows) == 5
    # us. profile of Claude Haiku 4.5: $1.10 and $5.50 a million
    assert outcome.cost.usd * 1_000_000 * 10 == outcome.usage.input * 11 + outcome.usage.output * 55


def test_an_answer_without_counters_has_no_cost_and_is_not_counted_as_free(left, place):
    """Its tokens are not known, so neither is the bill."""
    with left() as prepared:
        one = batch.Leftover(prepared, lambda: 0.0)
        one.send()
        path = place.folder / "a-run" / "leftover.jsonl"
        first, *others = path.read_text().splitlines(keepends=True)
        row = json.loads(first)
        del row["modelOutput"]["usage"]
        path.write_text(json.dumps(row) + "\n" + "".join(others))
        outcome = one.send()
    assert (outcome.answered, outcome.uncounted, outcome.cost) == (5, 1, None)


def test_a_kill_between_two_records_loses_nothing_and_sends_no_answered_one_again(left, place):
    """Stopped after the second, with a third line half written: the rest is sent, each once."""

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with left() as prepared, pytest.raises(KeyboardInterrupt):
        batch.Leftover(prepared, lambda: 0.0).send(stop)
    with (place.folder / "a-run" / "leftover.jsonl").open("ab") as file:
        file.write(b'{"recordId": "T000')
    with left() as prepared:
        again = batch.Leftover(prepared, lambda: 0.0)
        assert len(again.records()) == 3
        assert again.send().answered == 5
    names = [json.loads(line)["recordId"] for line in (place.folder / "a-run" / "leftover.jsonl").open()]
    assert len(names) == len(set(names)) == 5
    with left() as prepared:
        assert batch.Leftover(prepared, lambda: 0.0).records() == []


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ({"code": "ServiceQuotaExceededException"}, batch.ServiceBusy),
        ({"code": "ResourceNotFoundException"}, batch.InvalidSettings),
        (
            {"code": "ValidationException", "message": "Invocation with on-demand throughput isn't supported."},
            batch.InvalidSettings,
        ),
    ],
)
def test_what_is_no_fault_of_a_record_refuses_none_for_good(left, place, fault, raised):
    """A quota, a model that is not there or not on demand: it stops there, and all five still go later."""
    place.served.state.faults.add({"kind": "error", "count": 1, **fault})
    with left() as prepared:
        one = batch.Leftover(prepared, lambda: 0.0)
        with pytest.raises(raised):
            one.send()
        assert len(one.records()) == 5
        assert one.send().answered == 5


def test_a_run_without_leftovers_says_so(place, kit):
    """There is no file of them."""
    place.run(kit.pairs(100))
    with (
        batch.reopen("a-run", place.cloud(), folder=place.folder, on=kit.ON) as prepared,
        pytest.raises(batch.NothingLeft, match="has no records left to send"),
    ):
        batch.Leftover(prepared, lambda: 0.0).records()


def test_the_command_holds_the_limit_and_says_what_came_of_it(left, place, kit, capsys, monkeypatch):
    """Nothing is sent above --max-usd; from the local endpoint no money is spent, so it does not ask."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", place.served.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", place.served.s3_url)
    line = ["batch", "leftover", "a-run", "--runs", str(place.folder), "--on", "2026-11-01"]
    assert main([*line, "--max-usd", "0.000001"]) == 2
    assert "above the limit" in capsys.readouterr().err
    assert not (place.folder / "a-run" / "leftover.jsonl").exists()
    assert main([*line, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["answered"] == 5
    assert "5 records on demand: about $" in said.err
