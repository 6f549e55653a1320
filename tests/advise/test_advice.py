"""Advice whose bills are worked out by hand. Sonnet 4.5 in the us geography: 3.30 / 16.50, read 0.33, write 4.125,
batch 1.65 / 8.25; globally all of it an eleventh less. Nova Pro: 0.80, read 0.20, batch 0.40."""

import json
from decimal import Decimal as D

import pytest

from rockbottom.advise import (
    AnswerWait,
    Layer,
    Lever,
    MonthlyTraffic,
    UnreadableRun,
    Wishes,
    WorkloadShape,
    advise,
    bench_results,
    of_question,
    presets,
    replay_results,
)  # fmt: skip
from rockbottom.advise.combining import batch_break_even
from rockbottom.rendering.advice import advice_text
from rockbottom.rendering.levers import advice_document, evidence_text

SONNET = "us.sonnet-4-5"


def _advice(ask, model, prefix, question, wishes=Wishes(), output=0, parallel=1):  # noqa: B008
    shape = WorkloadShape((Layer(prefix),), question, output, MonthlyTraffic(D(1000)))
    asked = ask(model, shape, writes=D(1))
    return advise(of_question(asked, parallel), asked.tariff, wishes)


def _row(found, lever):
    return next(row for row in found.rows if row.lever is lever)


def test_mostly_read_prompts_are_cached_and_not_batched(ask):
    """33.00 uncached; 9,000 of 10,000 read: 0.037125 + 2.96703 + 3.30 = 6.304155; batch is half of 33.00."""
    found = _advice(ask, SONNET, 9000, 1000, Wishes(wait=AnswerWait.DAY, residency="keep"))
    assert (found.before.usd, found.best.bill.usd) == (D(33), D("6.304155"))
    assert (_row(found, Lever.CACHING).status, _row(found, Lever.CACHING).alone) == ("pull", D("26.695845"))
    batch = _row(found, Lever.BATCH)
    assert (batch.status, batch.alone) == ("excluded", D("16.5"))
    assert "55.6% read, and here up to 90% is" in evidence_text(found, batch)


def test_a_small_shared_part_is_batched_and_not_cached(ask):
    """2,000 of 10,000: cached is 26.40 + 0.67; batch 16.50."""
    found = _advice(ask, SONNET, 2000, 8000, Wishes(wait=AnswerWait.DAY))
    assert found.best.bill.usd == D("16.5")
    assert _row(found, Lever.BATCH).status == "pull"
    assert _row(found, Lever.CACHING).status == "excluded"


def test_batch_is_a_question_until_the_user_says_that_answers_can_wait(ask):
    """Unasked it is no advice; refused it is none either."""
    assert _row(_advice(ask, SONNET, 2000, 8000), Lever.BATCH).status == "ask"
    assert _row(_advice(ask, SONNET, 2000, 8000, Wishes(wait=AnswerWait.NO)), Lever.BATCH).status == "excluded"


def test_levers_that_go_together_add_up(ask):
    """Caching takes 26.695845 off, the global profile an eleventh of what is left: 0.573105."""
    found = _advice(ask, SONNET, 9000, 1000, Wishes(residency="none"))
    assert [(row.lever, row.together) for row in found.rows if row.status == "pull"] == [
        (Lever.CACHING, D("26.695845")),
        (Lever.GLOBAL, D("0.573105")),
    ]
    assert _row(found, Lever.GLOBAL).alone == D(3)


def test_flex_keeps_the_discount_of_the_cache(ask):
    """Nova Pro flex reads at 0.10: 9,000 x 999 x 0.10 + 1,000,000 x 0.40 = 0.8991 + 0.40."""
    found = _advice(ask, "nova-pro", 9000, 1000, Wishes(wait=AnswerWait.MINUTES))
    assert found.best.bill.usd == D("1.2991")
    assert {row.lever for row in found.rows if row.status == "pull"} == {Lever.CACHING, Lever.FLEX}


def test_the_break_even_of_batch_is_that_of_the_price_book(ask):
    """(3.30 - 1.65)/(3.30 - 0.33) and, for Nova, (0.80 - 0.40)/(0.80 - 0.20); no batch price, no figure."""
    shape = WorkloadShape((Layer(2000),), 1, 1, MonthlyTraffic(D(1)))
    assert batch_break_even(ask(SONNET, shape).tariff) == D("1.65") / D("2.97")
    assert batch_break_even(ask("nova-pro", shape).tariff) == D("0.4") / D("0.6")
    assert batch_break_even(ask("us.sonnet-5-5", shape).tariff) is None


def test_parallel_first_requests_write_once_when_held(ask):
    """Eight write 9,000 tokens instead of one: seven times 9,000 x (4.125 - 0.33) per million is 0.239085."""
    found = _advice(ask, SONNET, 9000, 1000, Wishes(), parallel=8)
    assert _row(found, Lever.FAN_OUT).alone == D("0.239085")
    assert found.best.bill.usd == D("6.304155")


def test_provisioned_throughput_only_with_the_users_price(ask):
    """No price, no figure; at 2 an hour 720 hours are 1,440."""
    assert _row(_advice(ask, SONNET, 9000, 1000), Lever.PROVISIONED).alone is None
    found = _advice(ask, SONNET, 9000, 1000, Wishes(model_unit_usd_hour=D(2)))
    row = _row(found, Lever.PROVISIONED)
    assert (row.status, row.alone) == ("not now", D(33) - 1440)
    assert "$1,440.00" in evidence_text(found, row)


def test_a_smaller_model_stays_a_question(ask):
    """The same tokens on Nova Pro: 1.7982 + 0.80 (writes free); a price says nothing of quality."""
    other = ask("nova-pro", WorkloadShape((Layer(2000),), 1, 1, MonthlyTraffic(D(1)))).tariff
    row = _row(_advice(ask, SONNET, 9000, 1000, Wishes(others=(other,))), Lever.RIGHT_SIZE)
    assert (row.status, row.alone) == ("ask", D("6.304155") - D("2.5982"))


@pytest.mark.parametrize("name", list(presets()))
@pytest.mark.parametrize("model", ["us.sonnet-4-5", "nova-pro", "gpt-oss-120b"])
def test_what_is_pulled_adds_up_to_the_whole_saving(ask, name, model):
    """On every preset and kind of model, and the text keeps to 80 columns."""
    asked = ask(model, presets()[name].shape)
    found = advise(of_question(asked), asked.tariff, Wishes(AnswerWait.DAY, "none"))
    pulled = sum((row.together for row in found.rows if row.status == "pull"), D(0))
    assert round(pulled, 15) == round(found.before.usd - found.best.bill.usd, 15)
    assert max(map(len, advice_text(advice_document(found)).splitlines())) <= 80


@pytest.mark.parametrize("document", [{}, {"models": [{}]}, {"models": 3}, {"workload": None, "models": [{}]}])
def test_files_that_are_no_run_are_refused(document):
    """One error of our own, whatever is missing."""
    with pytest.raises(UnreadableRun):
        bench_results(json.dumps(document).encode(), "results.json")
    with pytest.raises(UnreadableRun):
        replay_results(json.dumps(document).encode(), "replay.json")
