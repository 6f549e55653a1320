"""Stable Image on InvokeModel: AWS's reply, a PNG of the ratio asked for, the same for the same prompt and seed."""

import base64
import json
import zlib

import pytest
from botocore.exceptions import ClientError

MODELS = ["stability.stable-image-core-v1:1", "stability.stable-image-ultra-v1:1"]


def reply_to(runtime, model=MODELS[0], **body):
    return json.loads(runtime.invoke_model(modelId=model, body=json.dumps(body))["body"].read())


def size_of(image):
    """Width and height of a PNG, whose lines are all there."""
    data = base64.b64decode(image)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(data[place : place + 4], "big") for place in (16, 20))
    start = data.index(b"IDAT") + 4
    length = int.from_bytes(data[start - 8 : start - 4], "big")
    assert len(zlib.decompress(data[start : start + length])) == (width + 1) * height
    return width, height


@pytest.mark.parametrize("model", MODELS)
def test_the_reply_is_as_aws_documents_it(runtime, model):
    reply = reply_to(runtime, model, prompt="a robot", aspect_ratio="1:1", seed=7, output_format="png")
    assert (reply["seeds"], reply["finish_reasons"], len(reply["images"])) == ([7], [None], 1)
    width, height = size_of(reply["images"][0])
    assert width == height


def test_a_picture_follows_prompt_and_seed_and_has_the_ratio(runtime):
    wide = reply_to(runtime, prompt="a robot", aspect_ratio="16:9")
    assert reply_to(runtime, prompt="a robot", aspect_ratio="16:9") == wide
    assert reply_to(runtime, prompt="a cat", aspect_ratio="16:9")["images"] != wide["images"]
    width, height = size_of(wide["images"][0])
    assert abs(width / height - 16 / 9) < 0.05
    assert 640 <= height < width <= 1536


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": 1},
        {"prompt": "x" * 10_001},
        {"prompt": "a", "aspect_ratio": "7:1"},
        {"prompt": "a", "seed": 2**32},
        {"prompt": "a", "seed": "1"},
        {"prompt": "a", "mode": "image-to-image"},
        {"prompt": "a", "output_format": "gif"},
        {"prompt": "a", "width": 512},
    ],
)
def test_what_the_page_does_not_allow_is_refused(runtime, body):
    with pytest.raises(ClientError) as error:
        reply_to(runtime, **body)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_the_models_are_listed_as_painting(bedrock):
    listed = {row["modelId"]: row for row in bedrock.list_foundation_models()["modelSummaries"]}
    assert [listed[model]["outputModalities"] for model in MODELS] == [["IMAGE"], ["IMAGE"]]
