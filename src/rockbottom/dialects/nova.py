"""A native Amazon Nova body (InvokeModel) read into a canonical prompt.

Nova bodies use Converse's blocks, except that ``cachePoint`` is a member beside ``text`` in the block that
it closes (AWS prompt-caching page), and that ``inferenceConfig`` is Nova's own.
"""

from collections.abc import Mapping
from typing import Any

from rockbottom.dialects.assembly import Assembly
from rockbottom.dialects.blocks import weigh_block
from rockbottom.prompt import (
    Api,
    MalformedBody,
    Meter,
    Parameters,
    Prompt,
    Section,
    list_at,
    object_at,
    place_of,
)
from rockbottom.quantities import is_object


def read_nova(body: Mapping[str, Any], meter: Meter) -> Prompt:
    """The prompt of a Nova body. Raises MalformedBody for a shape that cannot be read."""
    assembly = Assembly(meter)
    tool_config = object_at(body, "toolConfig", "toolConfig")
    _read_list(assembly, list_at(tool_config, "tools", "toolConfig.tools"), Section.TOOLS, "", 0)
    _read_list(assembly, list_at(body, "system", "system"), Section.SYSTEM, "", 0)
    for number, message in enumerate(list_at(body, "messages", "messages")):
        if not is_object(message):
            raise MalformedBody(f"messages[{number}]", type(message).__name__, wanted="an object")
        content = list_at(message, "content", f"messages[{number}].content")
        _read_list(assembly, content, Section.MESSAGES, str(message.get("role", "")), number)
    choice = object_at(tool_config, "toolChoice", "toolConfig.toolChoice")
    return assembly.prompt(Api.INVOKE, Parameters(tool_choice=next(iter(choice), "auto")))


def _read_list(assembly: Assembly, blocks: Any, section: Section, role: str, message: int) -> None:
    assembly.begin_list(section)
    for index, block in enumerate(blocks):
        place = place_of(section, message, index)
        if not is_object(block):
            raise MalformedBody(place, type(block).__name__, wanted="an object")
        bare = {member: value for member, value in block.items() if member != "cachePoint"}
        if bare:
            assembly.add(weigh_block(bare, role, assembly.meter, place), section, role, message, index)
        if "cachePoint" in block:
            assembly.add_point(block["cachePoint"], section, message, index, decorates=True)
