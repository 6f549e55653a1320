"""Rerank of bedrock-agent-runtime: documents in the order of their likeness to a query, as on InvokeModel."""

from typing import Any

import msgspec

from rockbottom.local.embeddings import answer_embedding, embedding_model
from rockbottom.local.failures import invalid

Json = dict[str, Any]


def reranked(body: Json) -> Json:
    """The reply to a body that has the shape of the operation. Raises ServiceFailure."""
    config = body["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    model = embedding_model(config["modelConfiguration"]["modelArn"])
    if model is None or model.form != "rerank":
        raise invalid("The provided model identifier is invalid.")
    documents = [source["inlineDocumentSource"] for source in body["sources"]]
    cohere_body: Json = {
        "query": body["queries"][0]["textQuery"].get("text"),
        "documents": [_text(document) for document in documents],
        "top_n": config.get("numberOfResults"),
    }
    scores, _ = answer_embedding(model, cohere_body, "")
    return {
        "results": [
            {"index": row["index"], "relevanceScore": row["relevance_score"], "document": documents[row["index"]]}
            for row in scores["results"]
        ]
    }


def _text(document: Json) -> str:
    if document["type"] == "JSON":
        return msgspec.json.encode(document.get("jsonDocument")).decode()
    inline: Json = document.get("textDocument") or {}
    return str(inline.get("text", ""))
