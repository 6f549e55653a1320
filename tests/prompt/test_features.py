"""Features of texts are counted twice, by methods of bytes and in plain loops: both say the same."""

import random

import pytest

from rockbottom.prompt import CLASSES, FEATURES, count_features, sample_of
from rockbottom.prompt.features import weighted

_PIECES = (
    "word", " ", "\n", "\r\n", "\t", "WARNING", "OK", "Ab", "3.14", "007", "{}", "été", "漢字", "🙂", "\x1f", "\x7f",
)  # fmt: skip


def _counted(texts):
    encoded = [text.encode() for text in texts]
    ends = [sum(map(len, encoded[: number + 1])) for number in range(len(encoded))]
    counts = [0] * (len(FEATURES) * len(texts))
    count_features(b"".join(encoded), ends, CLASSES, counts)
    return [dict(zip(FEATURES, counts[row * 8 : row * 8 + 8], strict=True)) for row in range(len(texts))]


def test_features_are_what_they_are_called():
    """By hand: three words of five letters, one shouted, two digits, three marks, three spaces, one new line."""
    [counts] = _counted(["Hello HELLO, world 42!.\n"])
    assert counts == {
        "word": 3, "letter": 15, "digit": 2, "punctuation": 3, "newline": 1, "space": 3, "wide": 0, "capital": 5,
    }  # fmt: skip


def test_a_text_without_ascii_counts_its_bytes_and_three_capitals_are_not_shouted():
    assert [counts["wide"] for counts in _counted(["漢字", "é"])] == [6, 2]
    assert [counts["capital"] for counts in _counted(["ABC", "ABCD", "ABCDe ABCD"])] == [0, 4, 8]


@pytest.mark.parametrize("seed", range(20))
def test_the_loops_and_the_methods_of_bytes_agree(seed):
    chance = random.Random(seed)
    texts = ["".join(chance.choices(_PIECES, k=chance.randrange(60))) for _ in range(50)]
    for text, counts in zip(texts, _counted(texts), strict=True):
        for feature in FEATURES:
            alone = dict.fromkeys(FEATURES, 0.0) | {feature: 1.0}
            assert weighted(text.encode(), alone) == counts[feature], (text, feature)


def test_a_long_text_is_judged_by_slices_spread_evenly():
    """Of 1,000 characters four times 128, from the places 0, 250, 500 and 750; of 512 all."""
    text = "".join(chr(97 + place // 250) for place in range(1000))
    assert sample_of(text) == (b"a" * 128 + b"b" * 128 + b"c" * 128 + b"d" * 128, 1000 / 512)
    assert sample_of("x" * 512) == (b"x" * 512, 1.0)
