"""The page in a real browser: keys, periods, updates while a program records, a phone, the dark, no server."""

import base64
import os
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from rockbottom.watch import View
from rockbottom.watch.server import Dash
from tests.watch.traffic import a_day, catalog, read, write


class Address:
    """What ``Browser.open`` takes: something with a ``as_uri``."""

    def __init__(self, url):
        self.url = url

    def as_uri(self):
        return self.url


@pytest.fixture
def dash(folder):
    """A page that is served."""
    made = Dash(View(folder, catalog(), time.time, time.monotonic), "127.0.0.1", 0)
    thread = Thread(target=made.serve)
    thread.start()
    yield made
    made.stop()
    thread.join(10)


@pytest.fixture
def page(browser, dash):
    """Opens the page and waits for its first figures; ``page(fragment, width, dark)``."""

    def opened(fragment="", width=1280, dark=False):
        browser.call("Page.navigate", url="about:blank")
        browser.open(Address(dash.url + fragment), width=width, dark=dark)
        wait(browser, "document.getElementById('figures').getAttribute('aria-busy') === 'false'")
        return browser

    return opened


def wait(browser, condition, seconds=20):
    """Until a condition holds in the page."""
    held = browser.evaluate(
        f"new Promise(done => {{ const end = Date.now() + {seconds * 1000}; "
        f"const holds = () => {{ try {{ return {condition}; }} "
        "catch { return false; } }; const look = () => "
        "holds() ? done(true) : Date.now() > end ? done(false) : setTimeout(look, 30); look(); })"
    )
    assert held, f"never: {condition}\n{browser.evaluate('document.body.innerText')}"


def press(browser, key):
    """A key of the keyboard, as the browser gets it from a person."""
    text = key if len(key) == 1 else ""
    browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
    browser.call("Input.dispatchKeyEvent", type="keyUp", key=key)


def text_of(browser, name="body"):
    return browser.evaluate(f"document.querySelector({name!r}).innerText")


def calls_in(browser):
    """How many calls the card says."""
    return browser.evaluate("[...document.querySelectorAll('#cards .more')].map(one => one.textContent)[5]")


@pytest.fixture
def traffic(record):
    """A day of calls."""
    record(*sorted(a_day(time.time() - 2, seconds=80_000, every=60), key=lambda call: call.at))


def test_it_loads_only_its_own_and_complains_of_nothing(page, traffic, dash):
    """Every address asked for is the server's, and no script or policy error is logged."""
    browser = page("#24h")
    assert browser.requests
    assert all(address.startswith(dash.url) for address in browser.requests)
    assert browser.complaints == []


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_nothing_sticks_out_sideways(page, traffic, width):
    """What is broader than the screen scrolls in its own frame."""
    browser = page("#24h", width)
    wait(browser, "document.querySelectorAll('#misses tbody tr').length > 0")
    assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_numbers_choose_the_period_and_the_address_keeps_it(page, traffic):
    """3 is a day; the button is pressed, the headline says so, and a reload shows it again."""
    browser = page()
    assert text_of(browser, "h1").startswith(("The last hour cost", "No calls in the last hour"))
    press(browser, "3")
    wait(browser, "document.querySelector('h1').textContent.startsWith('The last 24 hours cost $')")
    assert browser.evaluate("document.querySelector('#periods [aria-pressed=true]').value") == "24h"
    assert browser.evaluate("location.hash") == "#24h"
    browser.call("Page.reload")
    wait(browser, "document.querySelector('h1').textContent.startsWith('The last 24 hours cost $')")


def test_buttons_choose_the_period_too(page, traffic):
    """A click or a tap."""
    browser = page(width=390)
    browser.evaluate("document.querySelector('#periods [value=\"7d\"]').click()")
    wait(browser, "document.querySelector('h1').textContent.startsWith('The last 7 days cost $')")


def test_the_question_mark_shows_the_keys(page, traffic):
    """In a dialog that Escape closes and that gives the focus back."""
    browser = page()
    press(browser, "?")
    assert browser.evaluate("document.getElementById('keys').open")
    assert "pause and go on" in text_of(browser, "#keys")
    press(browser, "3")  # keys of the page do nothing under the dialog
    assert browser.evaluate("location.hash") == ""
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="Escape", code="Escape", windowsVirtualKeyCode=27)
    wait(browser, "!document.getElementById('keys').open")


def test_the_focus_goes_through_the_page_in_reading_order(page, traffic):
    """Skip link, periods, pause, help, charts, tables: each reachable, each with a name."""
    browser = page("#24h")
    names = []
    for _ in range(16):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        names.append(
            browser.evaluate("(one => one.getAttribute('aria-label') || one.textContent)(document.activeElement)")
        )
    assert names[:8] == [
        "Skip to the figures", "Last 15 minutes", "Last hour", "Last 24 hours", "Last 7 days", "Last 30 days", "Pause",
        "Help and keys",
    ]  # fmt: skip
    assert names[8].startswith("Bars of spend over the last 24 hours: $")
    assert names[9].startswith("Stacked bars of prompt tokens over the last 24 hours: ")
    assert names[10] == "Causes of misses"


def test_arrows_read_the_bars_of_a_chart(page, traffic):
    """The last bar first; the words below say what it holds."""
    browser = page("#24h")
    browser.evaluate("document.querySelector('#spend svg').focus()")
    press(browser, "ArrowLeft")
    press(browser, "ArrowLeft")
    assert "without caching" in text_of(browser, "#tip")
    picked = browser.evaluate("Number(document.querySelector('#spend .pick.on').dataset.bar)")
    press(browser, "Home")
    assert browser.evaluate("Number(document.querySelector('#spend .pick.on').dataset.bar)") == 0
    assert picked == 22


def test_bars_are_as_high_as_their_tokens(page, record):
    """4,000 read beside 180 uncached in one bar."""
    record(read(time.time() - 3))
    browser = page("#15m")
    read_height, plain = browser.evaluate(
        "['read', 'uncached'].map(kind => document.querySelector('#tokens svg .' + kind).height.baseVal.value)"
    )
    assert read_height / plain == pytest.approx(4000 / 180, rel=0.01)


def test_calls_appear_while_a_program_records(page, record, folder):
    """The page is open before the first call; then calls come, and the figures grow without a reload."""
    browser = page()
    assert "Nothing to show yet" in text_of(browser)
    assert "ledger=True" in text_of(browser, "#empty")
    stop = Event()

    def go_on():
        while not stop.is_set():
            record(read(time.time()))
            stop.wait(0.05)

    writer = Thread(target=go_on)
    writer.start()
    try:
        wait(browser, "document.querySelector('h1').textContent.startsWith('The last hour cost $')")
        browser.evaluate("document.querySelector('#spend svg').focus()")
        before = calls_in(browser)
        wait(browser, f"[...document.querySelectorAll('#cards .more')][5].textContent !== {before!r}")
        assert (
            browser.evaluate("document.activeElement.closest('.chart').id") == "spend"
        )  # the place of a reader is kept
    finally:
        stop.set()
        writer.join()
    assert browser.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_p_stops_the_updates_and_goes_on(page, record):
    """While it is paused nothing is asked."""
    record(read(time.time() - 3))
    browser = page()
    wait(browser, "document.getElementById('full').hidden === false")
    press(browser, "p")
    assert text_of(browser, "#status") == "Paused"
    record(read(time.time() - 1))
    browser.evaluate("new Promise(done => setTimeout(done, 2300))")
    assert calls_in(browser) == "1 call"
    press(browser, "p")
    wait(browser, "[...document.querySelectorAll('#cards .more')][5].textContent === '2 calls'")


def test_simulated_calls_are_labelled_and_apart(page, record):
    """Billed first; e shows the simulated ones, with their banner."""
    record(read(time.time() - 3), read(time.time() - 2, endpoint="local"), read(time.time() - 1, endpoint="local"))
    browser = page()
    wait(browser, "document.getElementById('side').hidden === false")
    assert browser.evaluate("document.getElementById('simulated').hidden")
    press(browser, "e")
    wait(browser, "!document.getElementById('simulated').hidden")
    assert text_of(browser, "h1").startswith("The last hour would have cost $")
    assert "AWS billed nothing" in text_of(browser, "#simulated")
    assert text_of(browser, "#spend-title").startswith("The simulated bill")
    assert browser.evaluate("location.hash") == "#1h,local"


def test_text_of_the_ledger_stays_text(page, record):
    """A tag that looks like HTML is shown, not obeyed."""
    record(read(time.time() - 3, tags={"tenant": "<img src=x onerror=alert(1)>"}))
    browser = page()
    wait(browser, "document.querySelectorAll('#tags tbody tr').length === 1")
    assert browser.evaluate("document.querySelectorAll('img').length") == 0
    assert "tenant=<img src=x onerror=alert(1)>" in text_of(browser, "#tags")


def test_a_miss_is_shown_with_its_cause_and_what_to_do(page, record):
    """Fifteen minutes between two writes of one prefix."""
    record(write(time.time() - 1000), write(time.time() - 100))
    browser = page()
    wait(browser, "document.querySelectorAll('#misses tbody tr').length === 1")
    assert "the entry had expired (RB012)" in text_of(browser, "#causes")
    assert "Write with ttl 1h" in text_of(browser, "#causes")
    assert "15 min since it was last used; it lives 5 min" in text_of(browser, "#misses")


def test_a_server_that_went_away_is_said(browser, folder, record):
    """The last figures stay, with their time."""
    record(read(time.time() - 3))
    made = Dash(View(folder, catalog(), time.time, time.monotonic), "127.0.0.1", 0)
    thread = Thread(target=made.serve)
    thread.start()
    try:
        browser.call("Page.navigate", url="about:blank")
        browser.open(Address(made.url), width=1280)
        wait(browser, "document.getElementById('full').hidden === false")
    finally:
        made.stop()
        thread.join(10)
    press(browser, "2")
    wait(
        browser,
        "document.getElementById('status').textContent.startsWith('rockbottom dash does not answer; figures of')",
    )
    assert text_of(browser, "h1").startswith("The last hour cost $")


def test_light_and_dark_have_contrast(page, traffic):
    """Body text against its ground is at least 7 to 1 in both; soft and coloured text at least 4.5 to 1."""
    script = """(() => {
      const light = (text) => { const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map((v) => {
        v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ground = light(getComputedStyle(document.body).backgroundColor);
      return ['h1', '.soft', '.figure.good', '.figure.bad', '#causes td.words'].map((name) => {
        const ink = light(getComputedStyle(document.querySelector(name)).color);
        return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05); }); })()"""
    for dark in (False, True):
        ink, *others = page("#24h", dark=dark).evaluate(script)
        assert ink > 7
        assert min(others) > 4.5


def test_who_wants_no_motion_gets_none(page, traffic):
    """Bars change at once."""
    browser = page("#24h")
    moves = "getComputedStyle(document.querySelector('#spend rect')).transitionDuration"
    assert browser.evaluate(moves) != "0s"
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert browser.evaluate(moves) == "0s"


def test_pictures_can_be_kept(page, traffic, tmp_path):
    """With ROCKBOTTOM_PICTURES=folder the top of the page is kept as PNG, for people to look at."""
    for name, width, height, dark in (
        ("light", 1280, 1240, False),
        ("dark", 1280, 1240, True),
        ("phone", 390, 1500, False),
    ):
        browser = page("#24h", width, dark)
        wait(browser, "document.querySelectorAll('#misses tbody tr').length > 0")
        kept = Path(os.environ.get("ROCKBOTTOM_PICTURES", tmp_path))
        kept.mkdir(parents=True, exist_ok=True)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        data = browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        (kept / f"dash-{name}.png").write_bytes(base64.b64decode(data))
        assert (kept / f"dash-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_what_a_model_caches_by_itself_is_no_saving_of_rockbottom(page, record):
    """Claude's bill is set against none without caching; GPT's against none without any, its own included."""
    record(read(time.time() - 3))
    browser = page("#15m")
    assert text_of(browser, "#headline").endswith("less than without caching")
    record(read(time.time() - 2, model="openai.gpt-5.6-sol"))
    wait(browser, "document.getElementById('without').textContent === 'without any caching'")
    than = "less than without any caching, that of GPT-5.6 Sol by itself included"
    assert text_of(browser, "#headline").endswith(than)
    assert text_of(browser, "#spend-title").endswith("and what it would be without any caching")
