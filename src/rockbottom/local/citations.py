"""Sentences of documents with their places, as Converse cites them.

Shape and counting as recorded for Claude Sonnet 5 (langchain-aws, 2026): of one text the characters from ``start`` to
``end``, the blank behind the sentence included; of a document in parts the number of the part; of a PDF its page,
counted from 1, and the page behind it (pydantic-ai, 2026).
"""

from bisect import bisect_right
from typing import Any

from rockbottom.local.relevance import Passage
from rockbottom.local.requested import Cited

Json = dict[str, Any]


def citation(passage: Passage, document: Cited) -> Json:
    """The block that says a sentence and where it stands."""
    start = passage.place[1]
    end = start + len(passage.text)
    if document.pages:
        page = bisect_right(document.chunks, start) if document.chunks else 1
        last = page + 1 if document.chunks else document.pages + 1
        source = passage.text
        location: Json = {"documentPage": {"documentIndex": document.number, "start": page, "end": last}}
    elif document.chunks:
        part = bisect_right(document.chunks, start) - 1
        last = document.chunks[part + 1] - 1 if part + 1 < len(document.chunks) else len(document.text)
        source = document.text[document.chunks[part] : last]
        location = {"documentChunk": {"documentIndex": document.number, "start": part, "end": part + 1}}
    else:
        while end < len(document.text) and document.text[end].isspace():
            end += 1
        source = document.text[start:end]
        location = {"documentChar": {"documentIndex": document.number, "start": start, "end": end}}
    cited = {"title": document.title, "sourceContent": [{"text": source}], "location": location}
    return {"citationsContent": {"content": [{"text": passage.text}], "citations": [cited]}}
