"""A Converse or ConverseStream body read into a canonical prompt."""

from collections.abc import Mapping
from typing import Any

from rockbottom.prompt.assembly import Assembly, effort_of, list_at, mapping_at, schema_of, thinking_of
from rockbottom.prompt.blocks import weigh_block
from rockbottom.prompt.errors import MalformedBody
from rockbottom.prompt.meter import Meter
from rockbottom.prompt.segments import Api, Parameters, Prompt, Section, place_of


def read_converse(body: Mapping[str, Any], meter: Meter) -> Prompt:
    """The prompt of a Converse body (boto3 keyword arguments or wire JSON); ``modelId`` is not looked at.

    Raises MalformedBody for a body whose shape cannot be read. Whether the service would accept it is
    another question (``cache.refusal``).
    """
    assembly = Assembly(meter)
    tool_config = mapping_at(body, "toolConfig", "toolConfig")
    _read_list(assembly, list_at(tool_config, "tools", "toolConfig.tools"), Section.TOOLS, "", 0)
    _read_list(assembly, list_at(body, "system", "system"), Section.SYSTEM, "", 0)
    for number, message in enumerate(list_at(body, "messages", "messages")):
        place = f"messages[{number}]"
        if not isinstance(message, Mapping):
            raise MalformedBody(place, type(message).__name__, wanted="an object")
        content = list_at(message, "content", f"{place}.content")
        _read_list(assembly, content, Section.MESSAGES, str(message.get("role", "")), number)
    return assembly.prompt(Api.CONVERSE, _parameters(body, tool_config))


def _read_list(assembly: Assembly, blocks: Any, section: Section, role: str, message: int) -> None:
    assembly.begin_list(section)
    for index, block in enumerate(blocks):
        if isinstance(block, Mapping) and "cachePoint" in block and len(block) == 1:
            assembly.add_point(block["cachePoint"], section, message, index)
        else:
            weighed = weigh_block(block, role, assembly.meter, place_of(section, message, index))
            assembly.add(weighed, section, role, message, index)


def _parameters(body: Mapping[str, Any], tool_config: Mapping[str, Any]) -> Parameters:
    extra = mapping_at(body, "additionalModelRequestFields", "additionalModelRequestFields")
    output = mapping_at(body, "outputConfig", "outputConfig")
    native_output = mapping_at(extra, "output_config", "additionalModelRequestFields.output_config")
    schema = output.get("textFormat") or native_output.get("format") or extra.get("output_format")
    choice = mapping_at(tool_config, "toolChoice", "toolConfig.toolChoice")
    return Parameters(
        thinking=thinking_of(extra.get("thinking")),
        effort=effort_of(output.get("effort") or native_output.get("effort")),
        output_schema=schema_of(schema),
        tool_choice=next(iter(choice), "auto"),
        citations=_cites(body),
    )


def _cites(body: Mapping[str, Any]) -> bool:
    return any(
        isinstance(block, Mapping)
        and isinstance(document := block.get("document"), Mapping)
        and isinstance(citations := document.get("citations"), Mapping)
        and bool(citations.get("enabled"))
        for message in list_at(body, "messages", "messages")
        for block in message.get("content") or ()
    )
