"""The report page in a real browser: complete, quiet, readable on a phone, light and dark."""

import csv
import os
from html.parser import HTMLParser
from io import StringIO

import msgspec
import pytest

from rockbottom.documents import Verdict
from rockbottom.rendering import answer_text, csv_of, page_of

WIDTHS = [1280, 390]


@pytest.fixture(scope="session")
def page(document, tmp_path_factory):
    """The page as a file."""
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page_of(document), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_it_asks_the_network_for_nothing_and_complains_of_nothing(browser, page, width, dark):
    """The file itself is all that is loaded, and no script or policy error is logged."""
    browser.open(page, width=width, dark=dark)
    assert browser.requests == [page.as_uri()]
    assert browser.complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_sideways(browser, page, width):
    """What is broader than the screen scrolls in its own frame."""
    browser.open(page, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_text_of_the_run_stays_text(browser, page):
    """Names and questions that look like HTML are shown, not obeyed."""
    browser.open(page, width=1280)
    assert browser.evaluate("document.querySelectorAll('img, main b b, main script').length") == 0
    assert "Evil </script><b>&amp; agent on Claude Sonnet 5.5: $" in browser.evaluate("document.body.innerText")


def test_the_first_sentence_has_the_three_numbers(browser, page, document):
    """The bill without caching, the bill attached, and the saving; word for word the screen's first sentence."""
    browser.open(page, width=1280)
    numbers = browser.evaluate("[...document.querySelectorAll('.three strong')].map(one => one.textContent)")
    heading = browser.evaluate("document.querySelector('h1').textContent")
    assert len(numbers) == 3
    assert all(number in heading for number in numbers)
    assert " ".join(answer_text(document, width=400).splitlines()[0].split()).startswith(heading)


def test_light_and_dark_have_contrast(browser, page):
    """Body text against its ground is at least 7 to 1 in both, soft text at least 4.5 to 1."""
    script = """(() => {
      const light = (text) => { const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map((v) => {
        v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ground = light(getComputedStyle(document.body).backgroundColor);
      const of = (name) => { const ink = light(getComputedStyle(document.querySelector(name)).color);
        return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05); };
      return [of('h1'), of('p.note'), of('.good')]; })()"""
    for dark in (False, True):
        browser.open(page, width=1280, dark=dark)
        ink, soft, good = browser.evaluate(script)
        assert ink > 7
        assert soft > 4.5
        assert good > 4.5


def test_the_sentence_the_waterfall_and_the_table_come_first_and_the_rest_is_folded(browser, page):
    """Everything that is not folded stands above all that is."""
    browser.open(page, width=1280)
    parts = browser.evaluate("[...document.querySelectorAll('main > *')].map(one => one.tagName)")
    assert parts[0] == "HEADER"
    assert parts[1:3] == ["SECTION", "SECTION"]
    assert "SECTION" not in parts[parts.index("DETAILS") :]
    table = "(() => { const box = document.querySelector('table.sorts').getBoundingClientRect(); return box.width; })()"
    main = "(() => { const own = document.querySelector('main'); return own.clientWidth; })()"
    assert browser.evaluate(table) >= browser.evaluate(main) - 40


def test_at_390_pixels_no_table_that_is_not_folded_has_to_be_pushed(browser, page):
    """Every cell of the table of lanes ends before the edge of the screen."""
    browser.open(page, width=390)
    edges = "[...document.querySelectorAll('table.sorts td')].map(one => one.getBoundingClientRect().right)"
    assert max(browser.evaluate(edges)) <= 390


def test_at_390_pixels_every_chart_ends_before_the_edge_of_the_screen(browser, page):
    """Charts of turns are cut into a few turns each; nothing of them has to be pushed."""
    browser.open(page, width=390)
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    edges = "[...document.querySelectorAll('.stacks svg')].map(one => one.getBoundingClientRect().right)"
    assert 0 < max(browser.evaluate(edges)) <= 390
    boxes = "[...document.querySelectorAll('figure *')].filter(one => one.scrollWidth > one.clientWidth + 1)"
    assert browser.evaluate(f"{boxes}.filter(one => one.clientWidth).map(one => one.className)") == []


def test_bars_have_the_height_of_their_tokens(browser, page, document):
    """In every bar the heights of two kinds are to each other as their tokens."""
    browser.open(page, width=1280)
    turn = document.models[0].lanes[1].turns[1]
    heights = browser.evaluate(
        "(() => { const bar = document.querySelector('[data-tip^=\"cached, turn 2\"]');"
        " return ['read', 'uncached', 'output'].map(kind => bar.querySelector('.' + kind).height.baseVal.value); })()"
    )
    scale = heights[0] / turn.read
    assert heights[1] == pytest.approx(turn.input * scale, abs=0.02)
    assert heights[2] == pytest.approx(turn.output * scale, abs=0.02)


def test_pointing_at_a_bar_or_moving_to_it_shows_its_numbers(browser, page):
    """Hover and focus show the same; Escape hides it."""
    browser.open(page, width=390)
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    show = "(() => { const bar = document.querySelector('[data-tip^=\"cached, turn 2\"]'); bar.focus();"
    text = browser.evaluate(f"{show} return document.getElementById('tip').textContent; }})()")
    assert text.startswith("cached, turn 2: =HYPERLINK(1) and the large one?")
    assert "read from the cache" in text
    box = browser.evaluate("(() => { const b = tip.getBoundingClientRect(); return [b.left, b.right]; })()")
    assert 0 <= box[0] < box[1] <= 390
    browser.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
    assert browser.evaluate("document.getElementById('tip').hidden")


def test_a_click_on_a_heading_sorts_by_numbers(browser, page):
    """The monthly bills rise, then fall; lanes without a bill stay last."""
    browser.open(page, width=1280)
    click = "document.querySelectorAll('table.sorts thead button')[2].click()"
    read = "[...document.querySelectorAll('table.sorts tbody tr')].map(r => r.cells[2].dataset.value ?? null)"
    browser.evaluate(click)
    up = browser.evaluate(read)
    bills = [float(value) for value in up if value is not None]
    assert bills == sorted(bills)
    assert up[len(bills) :] == [None] * (len(up) - len(bills))
    browser.evaluate(click)
    down = [float(value) for value in browser.evaluate(read) if value is not None]
    assert down == sorted(bills, reverse=True)


def test_the_copied_csv_is_the_csv_of_the_run(browser, page, document):
    """What the button copies is what --csv writes."""
    browser.open(page, width=1280)
    assert browser.evaluate("JSON.parse(document.getElementById('csv').textContent)") == csv_of(document)
    browser.evaluate(
        "document.execCommand = () => true; navigator.clipboard.writeText = async text => { window.copied = text; }"
    )
    browser.evaluate("document.getElementById('copy').click()")
    assert browser.evaluate("new Promise(done => setTimeout(() => done(window.copied), 0))") == csv_of(document)


def test_simulated_steps_are_hatched(browser, page):
    """On the local endpoint every lever is simulated, and the bars of the bills are not."""
    browser.open(page, width=1280)
    assert browser.evaluate("document.querySelectorAll('rect[fill=\"url(#hatch)\"]').length") >= 2
    assert "Hatched: simulated" in browser.evaluate("document.body.innerText")


def test_it_can_be_printed(browser, page):
    """A PDF comes out, with the button left away."""
    browser.open(page, width=1280)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.evaluate("getComputedStyle(document.getElementById('copy')).display") == "none"
    browser.call("Emulation.setEmulatedMedia", media="")
    assert len(browser.call("Page.printToPDF")["data"]) > 10_000


def test_pictures_can_be_kept(browser, page, tmp_path):
    """With ROCKBOTTOM_PICTURES=folder the pages are kept as PNG, for people to look at."""
    folder = os.environ.get("ROCKBOTTOM_PICTURES")
    for width in WIDTHS:
        for dark in (False, True):
            file = tmp_path / f"report-{width}-{'dark' if dark else 'light'}.png"
            browser.open(page, width=width, dark=dark)
            browser.picture(file)
            assert file.read_bytes().startswith(b"\x89PNG")
            if folder:
                os.makedirs(folder, exist_ok=True)
                (file).rename(os.path.join(folder, file.name))


def test_a_local_run_is_not_called_measured(document):
    """The headline and the card say that the lanes were run on the local endpoint."""
    page = page_of(document)
    assert "simulated locally</span>" in page
    assert "lanes measured" not in page


def test_the_provenance_says_how_a_month_is_formed(document):
    """What a pass starts with, what is multiplied, and what weighs arrivals."""
    page = page_of(document)
    assert "each pass starts with an empty cache and runs its conversations one after the other" in page
    assert "a month is that pass times the traffic" in page
    assert "rockbottom estimate counts with arrivals and lifetimes" in page


def test_a_model_is_marked_by_its_verdicts_and_not_by_their_words(document):
    """A passed verdict that speaks of class=bad leaves the sign of its model; a plain one that failed turns it."""
    model = document.models[0]
    spoken, failed = (
        msgspec.structs.replace(
            document, models=(msgspec.structs.replace(model, lanes=(model.lanes[0], _with(model.lanes[1], verdict))),)
        )
        for verdict in (Verdict("n", True, 'class=bad and "sign bad"'), Verdict("n", False, "plain"))
    )
    assert f'<summary>{model.name} <span class="good">✓</span>' in page_of(spoken)
    assert f'<summary>{model.name} <span class="bad">✗</span>' in page_of(failed)


def _with(lane, verdict):
    return msgspec.structs.replace(lane, verdicts=(verdict,))


class _Balance(HTMLParser):
    """Counts what is opened and closed."""

    VOID = frozenset({"meta", "line", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_what_is_opened_is_closed(document):
    """The page is well formed."""
    parser = _Balance()
    parser.feed(page_of(document))
    assert parser.open == []


def test_a_formula_in_a_question_is_no_formula_in_a_spreadsheet(document):
    """A cell that starts like a formula gets an apostrophe."""
    labels = [row["label"] for row in csv.DictReader(StringIO(csv_of(document)))]
    assert "'=HYPERLINK(1) and the large one?" in labels
    assert not any(label.startswith("=") for label in labels)
