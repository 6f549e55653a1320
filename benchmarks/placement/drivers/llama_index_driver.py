"""Sends Converse bodies through llama-index-llms-bedrock-converse."""

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool
from llama_index.core.tools.types import ToolMetadata
from llama_index.llms.bedrock_converse import BedrockConverse

from endpoint import drive


def messages_of(body):
    told = []
    if body.get("system"):
        told.append(ChatMessage(role=MessageRole.SYSTEM, blocks=[TextBlock(text=b["text"]) for b in body["system"]]))
    for message in body["messages"]:
        plain = [block for block in message["content"] if "toolResult" not in block]
        for block in message["content"]:
            if "toolResult" in block:
                result = block["toolResult"]
                told.append(
                    ChatMessage(
                        role=MessageRole.TOOL,
                        blocks=[TextBlock(text=result["content"][0]["text"])],
                        additional_kwargs={"tool_call_id": result["toolUseId"]},
                    )
                )
        if plain:
            told.append(ChatMessage(role=message["role"], blocks=[block_of(block) for block in plain]))
    return told


def block_of(block):
    if "text" in block:
        return TextBlock(text=block["text"])
    use = block["toolUse"]
    return ToolCallBlock(tool_call_id=use["toolUseId"], tool_name=use["name"], tool_kwargs=use["input"])


class Given(ToolMetadata):
    """A tool whose schema is given as it is."""

    def __init__(self, spec):
        super().__init__(name=spec["name"], description=spec["description"])
        self.schema_given = spec["inputSchema"]["json"]

    def get_parameters_dict(self):
        """The schema, unchanged."""
        return self.schema_given


def send_with(url, options):
    caching = {
        "system_prompt_caching": bool(options.get("system_prompt_caching")),
        "tool_caching": bool(options.get("tool_caching")),
    }

    models = {}

    def model_of(body):
        named = {"model": body["modelId"]}
        if body["modelId"].startswith("arn:"):
            named = {"model": body["base"], "application_inference_profile_arn": body["modelId"]}
        key = tuple(named.values())
        if key not in models:
            models[key] = BedrockConverse(
                **named,
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id="a",
                aws_secret_access_key="b",
                max_retries=1,
                **caching,
            )
        return models[key]

    def send(body):
        specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", ())]
        llm = model_of(body)
        if specs:
            tools = [FunctionTool(fn=lambda **_: "", metadata=Given(spec)) for spec in specs]
            llm.chat_with_tools(tools, chat_history=messages_of(body), tool_caching=caching["tool_caching"])
        else:
            llm.chat(messages_of(body))

    return send


if __name__ == "__main__":
    drive(send_with)
