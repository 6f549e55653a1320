"""Sends Converse bodies through LiteLLM, in the shape its users write: OpenAI messages and tools."""

import json
import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm

from endpoint import drive

litellm.telemetry = False


def messages_of(body):
    told = []
    if body.get("system"):
        told.append({"role": "system", "content": [{"type": "text", "text": b["text"]} for b in body["system"]]})
    for message in body["messages"]:
        texts = [{"type": "text", "text": block["text"]} for block in message["content"] if "text" in block]
        if message["role"] == "user":
            for block in message["content"]:
                if "toolResult" in block:
                    result = block["toolResult"]
                    content = "".join(part["text"] for part in result["content"])
                    told.append({"role": "tool", "tool_call_id": result["toolUseId"], "content": content})
            if texts:
                told.append({"role": "user", "content": texts})
            continue
        calls = [call_of(block["toolUse"]) for block in message["content"] if "toolUse" in block]
        content = "".join(text["text"] for text in texts)
        told.append({"role": "assistant", "content": content or None, **({"tool_calls": calls} if calls else {})})
    return told


def call_of(use):
    return {
        "id": use["toolUseId"],
        "type": "function",
        "function": {"name": use["name"], "arguments": json.dumps(use["input"])},
    }


def tools_of(body):
    specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", ())]
    return [
        {
            "type": "function",
            "function": {
                "name": spec["name"],
                "description": spec["description"],
                "parameters": spec["inputSchema"]["json"],
            },
        }
        for spec in specs
    ]


def send_with(url, options):
    litellm.enable_anthropic_prompt_caching = bool(options.get("automatic"))
    litellm.anthropic_prompt_caching_ttl = options.get("ttl")
    points = options.get("points")

    def send(body):
        tools = tools_of(body)
        model = body["modelId"]
        named = {"model": f"bedrock/converse/{model}"}
        if model.startswith("arn:"):  # its documented spelling for application profiles
            named = {"model": "bedrock/converse/" + body["base"], "model_id": model}
        litellm.completion(
            **named,
            messages=messages_of(body),
            **({"tools": tools} if tools else {}),
            **({"cache_control_injection_points": [dict(point) for point in points]} if points else {}),
            aws_bedrock_runtime_endpoint=url,
            aws_region_name="us-east-1",
            aws_access_key_id="example",
            aws_secret_access_key="example",
            max_tokens=100,
            num_retries=0,
        )

    return send


if __name__ == "__main__":
    drive(send_with)
