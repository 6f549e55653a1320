"""What is done quickly gives what the plain definitions give: tokens of a text, digests, messages read as a whole."""

import re
from hashlib import blake2b
from math import ceil
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from rockbottom.catalog import load_catalog
from rockbottom.dialects import CONVERSE
from rockbottom.prompt import Meter, digest_of

WEIGHTS = load_catalog().token_weights["claude-4"]
TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="ab 1,\n\té日\ud800", max_size=3000),
    st.builds(lambda text, times: text * times, st.text(alphabet="Lorem ipsum 12.\n", min_size=1), st.integers(1, 900)),
)


def plain_tokens(text: str) -> int:
    """The estimate as it is defined: words, letters, digits and so on, one character after the other.

    Letters in runs of four capitals and more count once more, where the weights say so. Of a text of more than 512
    characters 4 slices of 128, and one more for every 2,048, stand for the whole.
    """
    if not text:
        return 0
    sample = text
    if len(text) > 512:
        slices = 4 + len(text) // 2048
        step = len(text) // slices
        sample = "".join(text[number * step : number * step + 128] for number in range(slices))
    encoded = sample.encode("utf-8", "surrogatepass")
    counts = dict.fromkeys(("word", "letter", "digit", "punctuation", "newline", "space", "wide"), 0)
    counts["word"] = len(re.findall(rb"[A-Za-z]+", encoded))
    for code in encoded:
        char = chr(code)
        kind = (
            "wide" if code > 127 else "letter" if char.isalpha() else "digit" if char.isdigit()
            else "newline" if char in "\r\n" else "space" if char.isspace() else "punctuation"
        )  # fmt: skip
        counts[kind] += 1
    counts["capital"] = sum(len(run) for run in re.findall(rb"[A-Z]{4,}", encoded))
    total = 0.0
    for name, count in counts.items():
        total += count * WEIGHTS.tokens_per.get(name, 0.0)
    if sample is not text:
        total *= len(text) / len(sample)
    return max(1, ceil(total * float(WEIGHTS.scale)))


def plain_digest(kind: str, role: str, *parts: bytes) -> bytes:
    """Kind and role ended by a zero byte, then each part behind its length in eight bytes."""
    joined = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return blake2b(f"{kind}\0{role}\0".encode() + joined, digest_size=16).digest()


@given(TEXTS)
def test_tokens_are_those_of_the_plain_definition(text):
    """Exactly, for any text."""
    assert Meter(WEIGHTS).tokens_of_text(text) == plain_tokens(text)


@given(st.sampled_from(["text", "toolResult"]), st.sampled_from(["", "user"]), st.lists(st.binary(), max_size=4))
def test_digests_are_those_of_the_plain_definition(kind, role, parts):
    """Exactly, for any parts; a long one too."""
    assert digest_of(kind, role, *parts) == plain_digest(kind, role, *parts)
    long = b"x" * 70_000
    assert digest_of(kind, role, long) == plain_digest(kind, role, long)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_a_message_read_at_first_sight_is_read_alike_ever_after(pairs):
    """Texts and tool results, by a meter that has seen them and by one that has not; digests by their definition."""
    messages = []
    for number, (said, result) in enumerate(pairs):
        use = {"toolUseId": f"t{number}", "name": "look", "input": {"q": said[:20].encode("ascii", "ignore").decode()}}
        messages.append({"role": "assistant", "content": [{"text": said}, {"toolUse": use}]})
        answer = {"toolUseId": f"t{number}", "content": [{"text": result}], "status": "success"}
        messages.append({"role": "user", "content": [{"toolResult": answer}, {"text": result}]})
    meter = Meter(WEIGHTS)
    first = CONVERSE.read({"messages": messages}, meter)
    assert CONVERSE.read({"messages": messages}, meter) == first
    assert CONVERSE.read({"messages": messages}, Meter(WEIGHTS)) == first
    said, result = pairs[0]
    inner = plain_digest("text", "user", result.encode("utf-8", "surrogatepass"))
    assert first.segments[0].digest == plain_digest("text", "assistant", said.encode("utf-8", "surrogatepass"))
    assert first.segments[2].digest == plain_digest("toolResult", "user", b'["t0","success"]', inner)
    assert first.segments[2].tokens - WEIGHTS.message_tokens == plain_tokens(result) + plain_tokens("t0")


PLAIN = [{"text": text} for text in ("a", "b", "a b", "")] + [
    {"toolUse": {"toolUseId": "t", "name": "look", "input": {"n": value}}} for value in (1, True, 1.0, "1")
]
OTHER = [{"cachePoint": {"type": "default"}}, {"image": {"format": "png", "source": {"bytes": b"12"}}}]
SETTINGS = [
    {},
    {"system": [{"text": "s"}]},
    {"system": [{"text": "s"}, {"cachePoint": {"type": "default"}}]},
    {"toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {}}}}]}, "system": [{"text": "s"}]},
]


def talk_of(rng):
    """Settings and the contents of 4 to 9 messages; in half of the talks some blocks are points or images."""
    blocks = PLAIN + OTHER * rng.randrange(2)
    contents = [rng.choices(blocks, k=rng.choice([0, 1, 1, 2])) for _ in range(rng.randint(4, 9))]
    return rng.choice(SETTINGS), contents


@given(st.integers(min_value=0))
def test_conversations_read_as_they_grow_are_read_as_if_never_seen(seed):
    """Several in turns by one meter, one of them a fork of another: each prompt is what a new meter reads."""
    rng, meter = Random(seed), Meter(WEIGHTS)
    talks = [talk_of(rng), talk_of(rng)]
    settings, contents = talks[0]
    talks.append((settings, [*contents[:3], [{"text": "fork"}], *contents[4:]]))
    for _ in range(12):
        settings, contents = rng.choice(talks)
        for count in range(rng.randint(1, 5), len(contents) + 1, rng.choice([1, 2, 2])):
            messages = [
                {"role": ("user", "assistant")[number % 2], "content": content}
                for number, content in enumerate(contents[:count])
            ]
            body = {**settings, "messages": messages}
            assert CONVERSE.read(body, meter) == CONVERSE.read(body, Meter(WEIGHTS))
