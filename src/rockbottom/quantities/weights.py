"""The numbers of a token estimate; the estimate itself lives in ``prompt``."""

from collections.abc import Mapping
from fractions import Fraction

from msgspec import Struct

from rockbottom.quantities.sources import Source


class MediaWeights(Struct, frozen=True):
    """How content that is no text counts, as far as it was seen.

    An image of known size has a token for each ``image_pixels_per_token``. A document of one of
    ``text_document_formats`` is turned into text and counts as ``text_document_blocks`` blocks.
    """

    image_pixels_per_token: int
    text_document_formats: frozenset[str]
    text_document_blocks: int
    sources: tuple[Source, ...]


class FormWeights(Struct, frozen=True):
    """What asking for the form of an answer adds to a prompt: an output schema (``schema_tokens``, and its own tokens
    times ``schema_factor``), thinking, citations. 0: nothing, or nothing that was measured."""

    schema_tokens: int = 0
    schema_factor: Fraction = Fraction(0)
    thinking_tokens: int = 0
    citations_tokens: int = 0


class DocumentWeights(Struct, frozen=True):
    """How a PDF counts: ``page_tokens`` for each page (0: as an image of no known size), its text besides where the
    model ``reads_text``; ``in_result`` is all that one inside a tool result counts, 0: as elsewhere."""

    page_tokens: int = 0
    reads_text: bool = False
    in_result: int = 0


class TokenWeights(Struct, frozen=True):
    """How one tokenizer generation turns text into tokens, as far as it was measured.

    ``family`` names the tokenizer generation; counts of one are never used for another. ``scale``
    multiplies the estimate that ``tokens_per`` gives of the text: tokens per ``word`` (run of ASCII letters),
    ``letter``, ``digit``, ``punctuation``, ``newline``, ``space`` and ``wide`` (UTF-8 byte outside ASCII), and
    where it is there ``capital``, besides, of words of four capitals or more. ``documents`` says how a PDF counts.
    ``message_tokens`` is what each message adds, ``request_tokens`` what each request adds (the header of the
    answer not included: that is ``CacheRules.residual_tokens``), ``first_tool_tokens`` what the first tool
    definition adds besides its own text, ``image_tokens`` the flat charge for an image whose size is not
    known (``media`` says how one of known size counts), ``video_tokens`` that for a video (None: as for an image),
    ``form`` what the form of the answer adds. A larger image is
    scaled down until its long edge has at most ``image_edge_pixels``, a smaller one up until its short edge has
    ``image_short_edge_pixels``, and it counts at most ``image_most_tokens``; None: no such limit is known.
    ``image_pixels_per_token`` is the tokenizer's own where it was measured. ``drops_thoughts``: the reasoning of turns
    that the user has answered is no part of the prompt. ``thoughts_end`` ends the thoughts that stand in a text of the
    assistant's and are no part of it either (None: they are). ``error`` is the stated relative error of an estimate for
    English prose.
    """

    family: str
    scale: Fraction
    tokens_per: Mapping[str, float]
    message_tokens: int
    request_tokens: int
    first_tool_tokens: int
    image_tokens: int
    error: Fraction
    source: Source
    media: MediaWeights
    form: FormWeights = FormWeights()
    documents: DocumentWeights = DocumentWeights()
    image_edge_pixels: int | None = None
    image_short_edge_pixels: int | None = None
    image_pixels_per_token: int | None = None
    image_most_tokens: int | None = None
    drops_thoughts: bool = False
    thoughts_end: str | None = None
    video_tokens: int | None = None
