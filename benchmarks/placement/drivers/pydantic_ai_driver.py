"""Sends Converse bodies through pydantic-ai's BedrockConverseModel."""

import boto3
from pydantic_ai.direct import model_request_sync
from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.bedrock import BedrockConverseModel
from pydantic_ai.providers.bedrock import BedrockProvider
from pydantic_ai.tools import ToolDefinition

from endpoint import drive


def messages_of(body):
    told, names = [], {}
    system = [SystemPromptPart(block["text"]) for block in body.get("system", ())]
    for message in body["messages"]:
        if message["role"] == "assistant":
            parts = []
            for block in message["content"]:
                if "text" in block:
                    parts.append(TextPart(block["text"]))
                else:
                    use = block["toolUse"]
                    names[use["toolUseId"]] = use["name"]
                    parts.append(ToolCallPart(use["name"], use["input"], use["toolUseId"]))
            told.append(ModelResponse(parts))
            continue
        parts = list(system) if not told else []
        texts = []
        for block in message["content"]:
            if "text" in block:
                texts.append(block["text"])
            else:
                result = block["toolResult"]
                name = names[result["toolUseId"]]
                parts.append(ToolReturnPart(name, result["content"][0]["text"], result["toolUseId"]))
        if texts:
            parts.append(UserPromptPart(texts if len(texts) > 1 else texts[0]))
        told.append(ModelRequest(parts))
    return told


def send_with(url, options):
    client = boto3.client(
        "bedrock-runtime", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    provider = BedrockProvider(bedrock_client=client)

    def send(body):
        tools = [
            ToolDefinition(
                name=spec["name"], description=spec["description"], parameters_json_schema=spec["inputSchema"]["json"]
            )
            for spec in (tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", ()))
        ]
        named = body["modelId"]
        settings = dict(options)
        if named.startswith("arn:"):  # its documented spelling for application profiles
            named = body["base"]
            settings["bedrock_inference_profile"] = body["modelId"]
        model_request_sync(
            BedrockConverseModel(named, provider=provider),
            messages_of(body),
            model_settings=settings,
            model_request_parameters=ModelRequestParameters(function_tools=tools),
        )

    return send


if __name__ == "__main__":
    drive(send_with)
