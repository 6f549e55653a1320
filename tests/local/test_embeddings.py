"""Models that embed or rerank: lengths, types and bodies as recorded (pydantic-ai cassettes); likeness; refusals."""

import json
import math

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.local.vectors import likeness, vector_of


@pytest.fixture
def invoke(runtime):
    """InvokeModel with a JSON body; the JSON of the reply."""
    return lambda model, **body: json.loads(runtime.invoke_model(modelId=model, body=json.dumps(body))["body"].read())


@pytest.mark.parametrize(
    ("model", "body", "members", "length"),
    [
        ("amazon.titan-embed-text-v1", {"inputText": "a"}, {"embedding", "inputTextTokenCount"}, 1536),
        (
            "amazon.titan-embed-text-v2:0",
            {"inputText": "a"},
            {"embedding", "embeddingsByType", "inputTextTokenCount"},
            1024,
        ),
        (
            "amazon.titan-embed-text-v2:0",
            {"inputText": "a", "dimensions": 256, "normalize": True},
            {"embedding", "embeddingsByType", "inputTextTokenCount"},
            256,
        ),
        (
            "cohere.embed-english-v3",
            {"texts": ["a", "b"], "input_type": "search_query"},
            {"embeddings", "id", "response_type", "texts"},
            1024,
        ),
        (
            "us.cohere.embed-v4:0",
            {"texts": ["a"], "input_type": "search_document"},
            {"embeddings", "id", "response_type", "texts"},
            1536,
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"text": {"value": "a"}}},
            {"embeddings"},
            3072,
        ),
    ],
)
def test_replies_have_the_recorded_members_and_lengths(invoke, model, body, members, length):
    """The vector, wherever the model's reply has it."""
    reply = invoke(model, **body)
    assert set(reply) == members
    vector = reply.get("embedding") or reply["embeddings"]
    while isinstance(vector, dict) or not isinstance(vector[0], float):
        vector = (
            vector.get("float") or vector.get("embedding") if isinstance(vector, dict) else vector[0]
        )  # by type, one of several, or in an object
    assert len(vector) == length


def test_cohere_gives_every_type_that_is_asked_for(invoke):
    """float, int8 and binary; texts in lower case on English v3, as recorded."""
    reply = invoke(
        "cohere.embed-english-v3",
        texts=["Hello"],
        input_type="clustering",
        embedding_types=["float", "int8", "ubinary"],
    )
    assert (reply["response_type"], reply["texts"]) == ("embeddings_by_type", ["hello"])
    assert {kind: len(vectors[0]) for kind, vectors in reply["embeddings"].items()} == {
        "float": 1024,
        "int8": 1024,
        "ubinary": 128,
    }


def test_a_reranker_puts_what_answers_first(invoke):
    """Both rerankers; top_n; scores fall."""
    documents = ["Bananas are yellow.", "The gateway listens on port 8443.", "Ports of Norway."]
    for model in ("amazon.rerank-v1:0", "cohere.rerank-v3-5:0"):
        results = invoke(model, query="Which port does the gateway use?", documents=documents, top_n=2)["results"]
        assert results[0]["index"] == 1
        assert len(results) == 2
        assert results[0]["relevance_score"] > results[1]["relevance_score"]


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        ("amazon.titan-embed-text-v2:0", {}, "#: required key \\[inputText\\] not found"),
        ("amazon.titan-embed-text-v2:0", {"inputText": ""}, "expected minLength: 1, actual: 0"),
        ("amazon.titan-embed-text-v2:0", {"inputText": "a", "dimensions": 77}, "dimensions"),
        (
            "cohere.embed-english-v3",
            {"texts": ["a"] * 97, "input_type": "clustering"},
            "maximum item count: 96, found: 97",
        ),
        ("cohere.embed-english-v3", {"texts": ["a"]}, "required key \\[input_type\\] not found"),
        ("amazon.rerank-v1:0", {"query": "q"}, "required key \\[documents\\] not found"),
    ],
)
def test_bodies_that_lack_something_are_refused(invoke, model, body, said):
    """ValidationException in the words of Bedrock's validator."""
    with pytest.raises(ClientError, match=said) as caught:
        invoke(model, **body)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_they_neither_converse_nor_stream(runtime, kit):
    """Each refused in AWS's words."""
    with pytest.raises(ClientError, match="doesn't support the model that you provided"):
        runtime.converse(modelId="amazon.titan-embed-text-v2:0", messages=[kit.user("hi")])
    with pytest.raises(ClientError, match="unsupported for streaming"):
        runtime.invoke_model_with_response_stream(modelId="amazon.titan-embed-text-v2:0", body='{"inputText": "a"}')


def reranking(texts, **more):
    """Arguments of Rerank: texts and JSON documents inline, as the service's model of the operation has them."""
    model = {"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0"}
    documents = [
        {"type": "TEXT", "textDocument": {"text": text}}
        if isinstance(text, str)
        else {"type": "JSON", "jsonDocument": text}
        for text in texts
    ]
    return {
        "queries": [{"type": "TEXT", "textQuery": {"text": "return of a parcel"}}],
        "sources": [{"type": "INLINE", "inlineDocumentSource": document} for document in documents],
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {"modelConfiguration": model, **more},
        },
    }


def test_rerank_of_the_agent_runtime_sorts_documents(endpoint, kit):
    """The likest first, each with its index and itself; as many as are asked for."""
    client = kit.client_of("bedrock-agent-runtime", endpoint.url)
    texts = ["Office hours are nine to five.", "A parcel is returned within a week.", {"topic": "return of a parcel"}]
    told = client.rerank(**reranking(texts))["results"]
    assert [row["index"] for row in told] == [2, 1, 0]
    assert [row["relevanceScore"] for row in told] == sorted((row["relevanceScore"] for row in told), reverse=True)
    assert told[1]["document"]["textDocument"]["text"] == texts[1]
    assert [row["index"] for row in client.rerank(**reranking(texts, numberOfResults=1))["results"]] == [2]
    other = reranking(texts)
    config = other["rerankingConfiguration"]["bedrockRerankingConfiguration"]["modelConfiguration"]
    config["modelArn"] = config["modelArn"].replace("cohere.rerank-v3-5:0", "amazon.titan-embed-text-v2:0")
    with pytest.raises(ClientError, match="model identifier is invalid"):
        client.rerank(**other)


def test_asynchronous_invocations_are_refused(runtime):
    """A 400 that a client understands; none is listed, none is found."""
    output = {"s3OutputDataConfig": {"s3Uri": "s3://bucket"}}
    with pytest.raises(ClientError, match="doesn't support the model") as refused:
        runtime.start_async_invoke(modelId="amazon.nova-reel-v1:0", modelInput={}, outputDataConfig=output)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert runtime.list_async_invokes()["asyncInvokeSummaries"] == []
    with pytest.raises(runtime.exceptions.ResourceNotFoundException):
        runtime.get_async_invoke(invocationArn="arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl")


def test_they_are_listed(bedrock):
    """By their output."""
    listed = bedrock.list_foundation_models(byOutputModality="EMBEDDING")["modelSummaries"]
    assert "cohere.embed-v4:0" in [row["modelId"] for row in listed]
    assert bedrock.get_foundation_model(modelIdentifier="amazon.titan-embed-text-v2:0")["modelDetails"]["modelName"]


def test_texts_that_share_words_are_more_alike_than_others():
    """The same text is as like itself as can be, and in another model's space it is another vector."""
    port, ports, fruit = (vector_of(text, 1024) for text in ("the port is 8443", "which port is it", "yellow bananas"))
    assert likeness(port, port) == pytest.approx(1)
    assert likeness(port, ports) > likeness(port, fruit) + 0.2
    assert vector_of("a", 8, "one") != vector_of("a", 8, "other") == vector_of("a", 8, "other")


@given(st.text(max_size=60), st.sampled_from([256, 1024]))
def test_every_text_has_a_vector_of_norm_one(text, length):
    """The empty text too."""
    vector = vector_of(text, length)
    assert len(vector) == length
    assert math.fsum(value * value for value in vector) == pytest.approx(1)


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        (
            "cohere.embed-english-v3",
            {"inputText": "a"},
            "Malformed input request: #: required key [texts] not found#: required key [input_type] not found"
            "#: extraneous key [inputText] is not permitted, please reformat your input and try again.",
        ),
        (
            "cohere.embed-multilingual-v3",
            {"texts": ["a" * 2049], "input_type": "search_query"},
            "Malformed input request: #/texts/0: expected maxLength: 2048, actual: 2049, please reformat your input "
            "and try again.",
        ),
        (
            "amazon.titan-embed-text-v1",
            {"inputText": "word " * 9874},
            "400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 9875 ",
        ),
    ],
)
def test_bodies_are_refused_in_the_recorded_words(runtime, model, body, says):
    """promptfoo 921, ScrapeGraphAI 400, amazon-bedrock-workshop 136."""
    with pytest.raises(ClientError) as caught:
        runtime.invoke_model(modelId=model, body=json.dumps(body))
    assert caught.value.response["Error"]["Message"] == says


def test_an_image_beside_a_text_changes_the_vector(invoke):
    """Titan Multimodal embeds both together; of an image alone too."""
    model = "amazon.titan-embed-image-v1"
    bodies = ({"inputText": "cat"}, {"inputImage": "aGk="}, {"inputText": "cat", "inputImage": "aGk="})
    vectors = [tuple(invoke(model, **body)["embedding"]) for body in bodies]
    assert len(set(vectors)) == 3


def test_counting_tokens_of_a_model_that_embeds_is_not_supported(runtime):
    """It exists, so its id is not called invalid."""
    with pytest.raises(ClientError, match="doesn't support counting tokens"):
        runtime.count_tokens(modelId="amazon.titan-embed-text-v2:0", input={"invokeModel": {"body": b"{}"}})
