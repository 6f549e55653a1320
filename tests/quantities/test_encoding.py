"""JSON that goes out."""

import pytest

from rockbottom.quantities import json_bytes, json_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "é", "🐍"]}, '{"a":[1,"é","🐍"]}'),
        (["é", "cut \ud83d"], '["\\u00e9","cut \\ud83d"]'),  # RFC 8259, 8.2: an escape, for UTF-8 has no such character
    ],
)
def test_text_stays_as_it_is_unless_utf_8_cannot_hold_it(value, text):
    assert json_text(value) == text
    assert json_bytes(value) == text.encode()
