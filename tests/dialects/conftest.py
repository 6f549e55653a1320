"""A meter with round numbers, so that token counts can be worked out by hand."""

from datetime import date
from fractions import Fraction

import pytest

from rockbottom.prompt import Meter
from rockbottom.quantities import MediaWeights, Source, TokenWeights

SOURCE = Source("made-up", "made up for tests", "", date(2026, 1, 1))


@pytest.fixture
def meter() -> Meter:
    """One token a word, one a digit, one a punctuation mark; 4 a message, 100 for the first tool, 1,600 an image."""
    weights = TokenWeights(
        family="test",
        scale=Fraction(1),
        tokens_per={
            "word": 1,
            "letter": 0,
            "digit": 1,
            "punctuation": 1,
            "newline": 0,
            "space": 0,
            "wide": 1,
        },
        message_tokens=4,
        request_tokens=0,
        first_tool_tokens=100,
        image_tokens=1600,
        error=Fraction(1, 10),
        source=SOURCE,
        media=MediaWeights(750, frozenset({"txt", "md", "csv"}), 2, (SOURCE,)),
    )
    return Meter(weights)
