"""Results find their records by id, whatever order they come in, and what is not whole is not taken for whole."""

import json

import pytest

from rockbottom.batch import OutputIncomplete
from rockbottom.batch.errors import DamagedRun
from rockbottom.batch.rejoining import Fate, Rejoin
from rockbottom.quantities import Usage


def answered(record_id, tokens=(10, 2), **output):
    usage = {"inputTokens": tokens[0], "outputTokens": tokens[1]}
    return {"recordId": record_id, "modelInput": {"x": 1}, "modelOutput": {"usage": usage, **output}}


def failed(record_id, code=400, **more):
    return {"recordId": record_id, "modelInput": {}, "error": {"errorCode": code, "errorMessage": "no", **more}}


def rejoin(tmp_path, ids, *files):
    """A rejoin of these files of results."""
    found = Rejoin({record_id: place for place, record_id in enumerate(ids)})
    for number, results in enumerate(files):
        path = tmp_path / f"{number}.jsonl.out"
        path.write_text("".join(json.dumps(one) + "\n" for one in results))
        found.take(path)
    return found


def rows(found):
    return [json.loads(line) for line in found.rows()]


def test_results_come_back_in_the_order_of_the_records(tmp_path):
    """Two files, both out of order: one row for each record, in the records' order, the input not echoed."""
    found = rejoin(tmp_path, ["a", "b", "c"], [answered("c", text="C"), answered("a", text="A")], [failed("b", 403)])
    assert [row["recordId"] for row in rows(found)] == ["a", "b", "c"]
    assert rows(found)[0]["modelOutput"]["text"] == "A"
    assert rows(found)[1]["error"]["errorCode"] == 403
    assert "modelInput" not in rows(found)[0]
    tally = found.count()
    assert (tally.answered, tally.refused, tally.usage) == (2, 1, Usage(20, 4))


def test_usage_is_read_in_every_dialect(tmp_path):
    """Converse and Nova say inputTokens, Anthropic input_tokens; one of a strange shape is counted as unmetered."""
    anthropic = {"recordId": "b", "modelOutput": {"usage": {"input_tokens": 7, "output_tokens": 3}}}
    strange = {"recordId": "c", "modelOutput": {"usage": "some"}}
    none = {"recordId": "d", "modelOutput": "text"}
    found = rejoin(tmp_path, "abcd", [answered("a"), anthropic, strange, none])
    tally = found.count()
    assert (tally.usage, tally.unmetered, tally.answered) == (Usage(17, 5), 2, 4)


def test_a_long_prompt_is_kept_apart_because_it_may_have_a_price_of_its_own(tmp_path):
    """Above 100,000 tokens a record is billed by itself."""
    found = rejoin(tmp_path, "ab", [answered("a", (150_000, 1)), answered("b", (10, 1))])
    tally = found.count()
    assert tally.long == [Usage(150_000, 1)]
    assert tally.short == Usage(10, 1)


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        ({"retryable": True}, Fate.RETRYABLE),
        ({"expired": True, "retryable": False}, Fate.RETRYABLE),
        ({"retryable": False, "errorCode": 503}, Fate.REFUSED),
        ({"errorCode": 503}, Fate.RETRYABLE),
        ({"errorCode": "429"}, Fate.RETRYABLE),
        ({"errorCode": 400}, Fate.REFUSED),
        ({}, Fate.REFUSED),
    ],
)
def test_what_may_be_retried(tmp_path, error, fate):
    """What the record says decides; the code only where it says nothing."""
    found = rejoin(tmp_path, "a", [{"recordId": "a", "error": error}])
    assert found.fates[0] == fate


def test_an_answer_beats_an_error_and_is_billed_once(tmp_path):
    """A later attempt's answer replaces an error; a result that comes twice counts once."""
    found = rejoin(tmp_path, "ab", [failed("a", retryable=True), answered("b")], [answered("a"), answered("b")])
    tally = found.count()
    assert (tally.answered, tally.repeated, tally.usage) == (2, 1, Usage(20, 4))


def test_an_error_does_not_replace_an_answer(tmp_path):
    """Whatever comes after the answer."""
    found = rejoin(tmp_path, "a", [answered("a")], [failed("a", retryable=True)])
    assert "modelOutput" in rows(found)[0]


def test_missing_and_foreign_results_are_counted(tmp_path):
    """A record without a result says so; a result of no record of ours is passed over."""
    found = rejoin(tmp_path, ["a", 'ü"\\'], [answered("zzz"), answered('ü"\\')])
    tally = found.count()
    assert (tally.missing, tally.foreign, tally.answered) == (1, 1, 1)
    assert rows(found)[0]["error"]["errorMessage"] == "no result"
    assert rows(found)[1]["recordId"] == 'ü"\\'


@pytest.mark.parametrize("content", ['{"recordId": "a", "modelOut', '{"recordId": "a"}\nrubbish\n', "\x00\x01"])
def test_half_written_output_is_an_error_and_safe_to_try_again(tmp_path, content):
    """One clear error that may be retried."""
    path = tmp_path / "x.jsonl.out"
    path.write_text(content)
    with pytest.raises(OutputIncomplete, match="is not complete") as raised:
        Rejoin({"a": 0}).take(path)
    assert raised.value.retry_safe


def test_ids_survive_the_spool(tmp_path):
    """Quotes, backslashes and the words that end an id in a line come back as they were."""
    from rockbottom.batch import Kind, packaged_limits
    from rockbottom.batch.records import RecordChecker, lines_of_bodies
    from rockbottom.batch.spool import record_ids, spool

    ids = ["a", 'quote " here', "back\\", '","modelInput":', "日本", "tab\t"]
    checker = RecordChecker(Kind.CONVERSE, "anthropic", "m", packaged_limits())
    spool(
        lines_of_bodies(
            [(name, {"messages": [{"role": "user", "content": [{"text": "a"}]}]}) for name in ids], checker
        ),
        tmp_path / "s.jsonl",
    )
    assert list(record_ids(tmp_path / "s.jsonl")) == ids


def test_a_spool_that_holds_a_record_twice_is_damaged_at_its_line(tmp_path):
    from rockbottom.batch.spool import ordinals_of, spool

    line = b'{"recordId":"a","modelInput":{}}\n'
    spool([line, b'{"recordId":"b","modelInput":{}}\n', line], tmp_path / "records-1.jsonl")
    with pytest.raises(DamagedRun, match="line 3: its recordId a is that of line 1 too"):
        ordinals_of(tmp_path / "records-1.jsonl")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("Internal error", "Internal error"),
        (["a", 1], '["a", 1]'),
        ({"errorCode": 400, "errorMessage": {"why": "bad"}}, '{"errorCode": 400, "errorMessage": {"why": "bad"}}'),
    ],
)
def test_an_error_of_a_shape_of_its_own_stops_nothing(tmp_path, error, told):
    """Some outputs give an error as a text: the record is refused with what it says, and the rest is collected."""
    found = rejoin(tmp_path, "ab", [{"recordId": "a", "error": error}, answered("b")])
    assert rows(found)[0]["error"]["errorMessage"] == told
    assert (found.count().answered, found.count().refused, list(found.tally.errors.values())) == (1, 1, [1])


def test_an_id_that_is_no_text_is_no_record_of_ours(tmp_path):
    """It is counted as foreign."""
    found = rejoin(tmp_path, "a", [{"recordId": 7, "modelOutput": {"usage": {}}}, answered("a")])
    assert (found.count().answered, found.tally.foreign) == (1, 1)
