"""Sends Converse bodies through langchain-aws: an agent over ChatBedrockConverse with its caching middleware."""

import boto3
from langchain.agents import create_agent
from langchain_aws import ChatBedrockConverse
from langchain_aws.middleware.prompt_caching import BedrockPromptCachingMiddleware
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import StructuredTool

from endpoint import drive


def messages_of(body):
    told = []
    for message in body["messages"]:
        texts = [{"type": "text", "text": block["text"]} for block in message["content"] if "text" in block]
        if message["role"] == "user":
            told += [
                ToolMessage(content=b["toolResult"]["content"][0]["text"], tool_call_id=b["toolResult"]["toolUseId"])
                for b in message["content"]
                if "toolResult" in b
            ]
            if texts:
                told.append(HumanMessage(content=texts))
            continue
        calls = [
            {"name": b["toolUse"]["name"], "args": b["toolUse"]["input"], "id": b["toolUse"]["toolUseId"]}
            for b in message["content"]
            if "toolUse" in b
        ]
        told.append(AIMessage(content=texts, tool_calls=calls))
    return told


def tool_of(spec):
    def run(**_):
        return ""

    return StructuredTool(
        name=spec["name"], description=spec["description"], args_schema=spec["inputSchema"]["json"], func=run
    )


def send_with(url, options):
    agents = {}
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    extra = {"endpoint_url": url, "region_name": "us-east-1", **keys}

    def agent_of(body):
        specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", ())]
        system = body.get("system") or []
        key = (body["modelId"], repr(system), repr(specs))
        if key not in agents:
            agents.clear()
            named = {"model": body["modelId"]}
            if body["modelId"].startswith("arn:"):
                named |= {"provider": body["base"].split(".")[-2], "base_model_id": body["base"]}
            model = ChatBedrockConverse(
                client=boto3.client("bedrock-runtime", **extra),
                bedrock_client=boto3.client("bedrock", **extra),
                **named,
            )
            middleware = [BedrockPromptCachingMiddleware(ttl=options["ttl"])] if options.get("ttl") else []
            prompt = SystemMessage(content=[{"type": "text", "text": b["text"]} for b in system]) if system else None
            agents[key] = create_agent(
                model, tools=[tool_of(spec) for spec in specs], system_prompt=prompt, middleware=middleware
            )
        return agents[key]

    def send(body):
        agent_of(body).invoke({"messages": messages_of(body)})

    return send


if __name__ == "__main__":
    drive(send_with)
