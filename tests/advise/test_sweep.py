"""The curve and its crossovers."""

from decimal import Decimal as D

import pytest

from rockbottom.advise import (
    ImpossibleShape,
    Layer,
    MonthlyTraffic,
    WorkloadShape,
    document_of,
    estimate,
    presets,
    sweep,
)
from rockbottom.rendering import curve_page
from rockbottom.rendering.curves import plot_of
from rockbottom.rendering.estimates import estimate_text

DENSE = MonthlyTraffic(D(1_000_000))


def test_caching_begins_at_the_minimum(ask):
    """Dense arrivals: the first prefix that can be cached is the first that pays, 1,024 tokens."""
    curve = sweep(ask("us.sonnet-4-5", WorkloadShape((Layer(4000),), 500, 0, DENSE)))
    assert curve.pays_from == 1024
    assert curve.points[0].cached is None
    assert curve.prompt_tokens == 4500


def test_cached_input_passes_below_batch_at_five_ninths(ask):
    """Reads at a tenth against batch at a half, no output: 1 - 0.9 s = 0.5 gives s = 5/9 of 9,000, one write aside."""
    curve = sweep(ask("us.sonnet-4-5", WorkloadShape((Layer(8000),), 1000, 0, DENSE)))
    assert curve.beats_batch_from == pytest.approx(5001, abs=1)


def test_output_moves_the_crossing(ask):
    """Batch halves the output too, so with 900 tokens out at five times the price it takes 0.5 + 2,250/9,000 in."""
    curve = sweep(ask("us.sonnet-4-5", WorkloadShape((Layer(8000),), 1000, 900, DENSE)))
    assert curve.beats_batch_from == pytest.approx(7501, abs=2)


def test_a_sweep_of_gaps_is_refused(ask):
    """The arrivals of a list of gaps belong to one prefix."""
    with pytest.raises(ImpossibleShape, match="gaps"):
        sweep(ask("us.sonnet-4-5", WorkloadShape((Layer(8000),), 10, 10, DENSE), gaps_s=(D(1),)))


def test_the_page_stands_alone_and_marks_the_crossing(ask):
    """No address is loaded, and both crossovers are lines with their tokens."""
    question = ask("us.sonnet-4-5", WorkloadShape((Layer(8000),), 1000, 0, DENSE))
    document = document_of(estimate(question), curve=sweep(question))
    page = curve_page(document, document.sweep)
    assert "src=" not in page
    assert page.count("<svg") == 2  # for a screen and for a phone
    assert page.count('class="cut"') == 2 * page.count("<svg")
    assert "later turns" not in page
    lines = plot_of(document.sweep, 5, 80)
    assert max(map(len, lines)) <= 80
    assert "without the history of later turns" in " ".join(" ".join(lines).split())
    assert "cheaper than batch from a prefix of 5,0" in "\n".join(lines)


@pytest.mark.parametrize("name", list(presets()))
def test_every_preset_prints_within_eighty_columns(ask, name):
    """All five shapes, on the longest table that there is."""
    found = estimate(ask("us.sonnet-4-5", presets()[name].shape))
    document = document_of(found, preset=presets()[name], credit=D(25000))
    text = estimate_text(document)
    assert max(map(len, text.splitlines())) <= 80
    assert presets()[name].assumes.split()[0] in text


def test_one_off_prompts_save_nothing(ask):
    """Nothing is shared, so the least bill is the bill."""
    found = estimate(ask("us.sonnet-4-5", presets()["one-off"].shape))
    assert found.best.way.name == "no caching"
