"""Where a change stands, by the pieces of a pin: no text was kept, and it is placed within 32 characters."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.cli import main
from rockbottom.pins import PinStatus, read_pins, update_pins
from rockbottom.pins.changes import Change, Moved
from rockbottom.pins.pieces import MOST_PIECES, PIECE, Pieces, piece_hash, pieces_of
from rockbottom.pins.pin import pieces_of_row, row_of_pieces
from rockbottom.pins.placing import Edit, EditPlace, placed_in
from rockbottom.pins.prefix import read_prefix
from tests.pins.pinned_requests import ON, RULES, accepted, judged, support

KEY = bytes(range(8))


def _pieces(text: str, key: bytes = KEY) -> Pieces:
    return pieces_of(read_prefix(support(text), on=ON), key)["system[0]"]


def _placed(before: str, after: str) -> EditPlace | None:
    return placed_in(_pieces(before), KEY, after)


def _words(random: Random, length: int) -> str:
    """Prose of a few words that come again and again, or one sentence over and over: where alignment is hardest."""
    if random.random() < 0.3:
        return ("Be polite in all matters. " * length)[:length]
    words = ["refund", "parcel", "ask", "for", "the", "number", "first", "Zürich", "never", "guess\n", "- ", "42"]
    return " ".join(random.choice(words) for _ in range(length))[:length]


@given(seed=st.integers(0, 10**9), length=st.integers(1, 3000), verb=st.sampled_from(Edit))
def test_a_random_edit_is_placed_within_32_characters(seed: int, length: int, verb: Edit):
    """Anywhere, of any size: never behind the first character that differs, nor 32 or more in front of it."""
    random = Random(seed)
    before = _words(random, length)
    at, size = random.randint(0, len(before)), random.choice([1, 2, 5, 31, 32, 33, 200, 1500])
    new = "".join(random.choice("abcXYZ 0é\n") for _ in range(random.choice([size, 1, 40])))
    cut = 0 if verb is Edit.INSERTED else size
    after = before[:at] + ("" if verb is Edit.REMOVED else new) + before[at + cut :]
    placed = _placed(before, after)
    if before == after:
        assert placed is None
        return
    assert placed is not None
    first = next((n for n, pair in enumerate(zip(before, after)) if pair[0] != pair[1]), min(len(before), len(after)))  # noqa: B905
    assert placed.at <= first < placed.at + PIECE
    if verb is Edit.INSERTED:
        assert (placed.edit, placed.grown, placed.within) == (Edit.INSERTED, len(new), 0)
    if verb is Edit.REMOVED:
        assert (placed.edit, placed.grown) == (Edit.REMOVED, len(after) - len(before))
    assert placed.grown == len(after) - len(before) or placed.others


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        # RULES: "Rule 0: be polite about matter 0. Rule 1: be polite about matter 1. ..."; "Rule 7" is at 7 * 34.
        (lambda text: text.replace("Rule 7: be", "Rule 7: always be"), "7 characters inserted at character 246"),
        (lambda text: "It is late. " + text, "12 characters inserted at character 0"),
        (lambda text: text + " Bye.", "5 characters inserted at character 14,979"),
        # "about " of rule 7 begins at 238 + 18 = 256 = 8 * 32.
        (
            lambda text: text.replace("about matter 7.", "matter 7."),
            "6 characters removed, or replaced by fewer, beginning between characters 256 and 288",
        ),
        (lambda text: text[:320] + text[384:], "64 characters removed at character 320"),
        (
            lambda text: text.replace("matter 7.", "affair 7."),
            "up to 32 characters changed, as long as before, beginning between characters 256 and 288",
        ),
        (
            lambda text: text.replace("Rule 7:", "Remember 7:").replace("Rule 300:", "Article 300:"),
            "up to 32 characters changed, 4 longer than before, beginning between characters 224 and 256; "
            "1 more edit behind it",
        ),
    ],
)  # fmt: skip
def test_place_kind_and_amount_are_said_in_words(edit: Callable[[str], str], said: str):
    """Of insertions the very character, also where everything behind them is shifted; of the rest the piece."""
    assert str(_placed(RULES, edit(RULES))) == said


def test_many_edits_are_counted_and_each_is_found_again():
    """Ten insertions, 1,000 characters apart: the first is placed to the character, and nine are behind it."""
    random = Random(3)
    text = "".join(random.choice("abcdefghij klmnop") for _ in range(12_000))
    after = text
    for at in range(10_000, 0, -1000):
        after = after[:at] + "PUT IN" + after[at:]
    placed = _placed(text, after)
    assert placed == EditPlace(Edit.INSERTED, 1000, 0, 0, 6, others=9)


@pytest.mark.parametrize(
    ("before", "after", "moved", "said"),
    [
        (RULES.replace(". ", ".\n"), RULES.replace(". ", ".\r\n"), Moved.WHITESPACE, "line ends are CRLF, and were LF"),
        (RULES.replace(". ", ".\r\n"), RULES.replace(". ", ".\n"), Moved.WHITESPACE, "line ends are LF, and were CRLF"),
        (RULES, RULES + "\n", Moved.WHITESPACE, "a line break at the end was added"),
        (RULES + "\n", RULES, Moved.WHITESPACE, "the line break at the end is gone"),
        ("Zürich. " + RULES, normalize("NFD", "Zürich. ") + RULES, Moved.SPELLING, "it was composed as NFC"),
        (normalize("NFD", "Zürich. ") + RULES, "Zürich. " + RULES, Moved.SPELLING, "it was composed as NFD"),
        (RULES, "\ufeff" + RULES, Moved.SPELLING, "characters without width were added"),
        (RULES + " it's", RULES + " it\u2019s", Moved.SPELLING, "typographic quotes"),
        (
            json.dumps({"rules": [RULES]}),
            json.dumps({"rules": [RULES]}, indent=2),
            Moved.WHITESPACE,
            "the same JSON, which was on one line",
        ),
    ],
    ids=["crlf", "lf", "line break put in", "line break gone", "NFD", "NFC", "BOM", "quotes", "JSON"],
)
@pytest.mark.parametrize("with_text", [False, True], ids=["pieces", "text"])
def test_line_ends_composition_and_format_are_named(
    pins: Path, before: str, after: str, moved: Moved, said: str, with_text: bool
):
    """What looks the same on a screen, with and without the earlier text."""
    accepted(pins, support(before), with_text=with_text)
    change = judged(pins, support(after)).changes[0]
    assert (change.moved, change.place.partition(".")[0]) == (moved, "system[0]")
    assert said in change.evidence


def test_the_pieces_tell_in_which_block_and_show_what_stands_there_today(
    pins: Path, capsys: pytest.CaptureFixture[str]
):
    """A tool's description, in the JSON of the tool; JSON output has the same as values."""
    accepted(pins, support())
    new = support()
    new["toolConfig"]["tools"][1]["toolSpec"]["description"] = "Looks something up by its number."
    change = judged(pins, new).changes[0]
    # {"name":"find_parcel","description":"Looks something up. -> the full stop is character 55
    assert change.where == "toolConfig.tools[1] (find_parcel)"
    assert change.placed == EditPlace(Edit.INSERTED, 55, 0, 0, 14)
    path = pins.parent / "support.json"
    path.write_text(json.dumps(new))
    update_pins(pins, {"support": replace(read_pins(pins)["support"], source="support.json")})
    main(["check", "--pins", str(pins)])
    told = capsys.readouterr().out
    assert "14 characters inserted at character 55" in " ".join(told.split())
    assert '+ ...:"Looks something up by its number.' in told
    main(["check", "--pins", str(pins), "--json"])
    moved = json.loads(capsys.readouterr().out)["prompts"][0]["moved"][0]
    assert moved["edit"] == {
        "kind": "inserted", "character": 55, "within": 0, "before": 0, "after": 14, "grown": 14, "others": 0,
    }  # fmt: skip


def test_a_block_that_was_put_in_is_no_edit_of_the_one_behind_it(pins: Path):
    """One tool more: the tool is named, and no character of another."""
    accepted(pins, support())
    new = support()
    new["system"].insert(0, {"text": "You are a clerk."})
    change = judged(pins, new).changes[0]
    assert (change.moved, change.placed) == (Moved.ADDED, None)
    assert "not known" not in change.evidence


def test_pieces_are_keyed_hashes_cut_short_and_each_pin_has_a_key_of_its_own(pins: Path):
    """Two prompts with the same text share no hash; accepting again keeps the key, so that a diff is short."""
    accepted(pins, support())
    pin = read_pins(pins)["support"]
    other = _pieces(RULES, bytes(8))
    assert pin.pieces["system[0]"].hashes != other.hashes
    assert pin.pieces["system[0]"].hash(0) == piece_hash(bytes.fromhex(pin.key), RULES[:32])
    assert len(pin.key) == 16
    accepted(pins, support(RULES + "!"))
    again = read_pins(pins)["support"]
    assert again.key == pin.key
    assert again.pieces["system[0]"].hashes.startswith(pin.pieces["system[0]"].hashes[:-3])
    assert again.pieces["toolConfig.tools[0]"] == pin.pieces["toolConfig.tools[0]"]


def test_a_pin_of_before_is_read_and_accepting_it_adds_its_pieces(pins: Path):
    """The prompt is unchanged, so nothing else of the pin is another."""
    accepted(pins, support())
    whole = read_pins(pins)["support"]
    update_pins(pins, {"support": replace(whole, key="", pieces={})})
    assert judged(pins, support()).status is PinStatus.UNCHANGED
    accepted(pins, support())
    again = read_pins(pins)["support"]
    assert replace(again, key="", pieces={}) == replace(whole, key="", pieces={})
    assert again.pieces.keys() == whole.pieces.keys()


def test_what_is_no_text_has_no_pieces(pins: Path):
    """The bytes of an image are not cut up."""
    request = support()
    image = {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}
    request["messages"][0]["content"] = [image, {"text": "What is it?"}, {"cachePoint": {"type": "default"}}]
    accepted(pins, request)
    assert list(read_pins(pins)["support"].pieces) == [
        "toolConfig.tools[0]", "toolConfig.tools[1]", "toolConfig.tools[2]", "system[0]", "messages[0].content[1]",
    ]  # fmt: skip


def test_a_hundred_thousand_tokens_take_a_few_dozen_kilobytes_and_no_noticeable_time(pins: Path):
    """400,000 characters are 12,500 pieces of 3 bytes, 50,000 characters of base64; a rewritten text is the slowest."""
    random = Random(5)
    text = "".join(random.choice("abcdefghij klmnop qrstuv\n") for _ in range(400_000))
    accepted(pins, support(text))
    assert len(pins.read_text().splitlines()[-2].split()[-1].rstrip('",')) == 50_000
    assert pins.stat().st_size < 53_000
    began = time.process_time()
    placed = placed_in(_pieces(text), KEY, text[::-1])
    assert placed is not None
    assert placed.before == 400_000
    assert time.process_time() - began < 5


def test_a_pin_file_is_bounded_whatever_is_pinned():
    """Two million characters: the pieces of the longest block grow, those of the others stay short."""
    request = support("long " * 400_000)
    pieces = pieces_of(read_prefix(request, on=ON), KEY)
    assert sum(map(len, pieces.values())) <= MOST_PIECES
    assert (pieces["system[0]"].width, pieces["toolConfig.tools[0]"].width) == (64, 32)
    changed = "long " * 200_000 + "longer " + "long " * 200_000
    placed = placed_in(pieces["system[0]"], KEY, changed)
    assert placed is not None
    assert placed.at in range(1_000_004 - 64, 1_000_005)


@pytest.mark.parametrize("row", ["system[0] 32 64 AAAA", "system[0] 0 0 ", "system[0] 32 x ", "system[0] 32 32 ****"])
def test_a_damaged_row_of_pieces_is_refused(row: str):
    """Too few hashes, no width, no length, no base64."""
    with pytest.raises(ValueError, match=r".+"):
        pieces_of_row(row)


def test_a_row_of_pieces_read_back_is_the_row_written():
    """An empty block too."""
    for text in ("", "a", RULES):
        pieces = _pieces(text or " ")
        assert pieces_of_row(row_of_pieces("system[0]", pieces)) == ("system[0]", pieces)


def test_a_change_without_an_edit_stays_as_it_was():
    """The class is what others build too."""
    assert Change(Moved.TEXT, "system[0]", "other words").placed is None


@pytest.mark.parametrize(
    ("with_text", "moved", "said"),
    [(True, Moved.WHITESPACE, "the same JSON, spaced or escaped differently"), (False, Moved.JSON, "")],
    ids=["text", "pieces"],
)
def test_json_spaced_as_no_formatter_does_is_not_called_reordered(pins: Path, with_text: bool, moved: Moved, said: str):
    """The keys stand where they stood; without the earlier text the order cannot be told from the spacing."""
    accepted(pins, support('{"a" :1,  "rules":[ "' + RULES + '"]}'), with_text=with_text)
    change = judged(pins, support(json.dumps({"a": 1, "rules": [RULES]}))).changes[0]
    assert (change.moved, change.place.partition(".")[0]) == (moved, "system[0]")
    assert said in change.evidence
