"""The Anthropic SDK: attach to an AnthropicBedrock (or AsyncAnthropicBedrock) itself."""

from anthropic import AnthropicBedrock
from workload import MODEL, QUESTIONS, SYSTEM

import rockbottom

bedrock = rockbottom.attach(AnthropicBedrock())

for question in QUESTIONS:
    request = {
        "model": MODEL,
        "max_tokens": 100,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": question}],
    }
    print(bedrock.messages.create(**request).content[0].text)
    with bedrock.messages.stream(**request) as stream:
        print("".join(stream.text_stream))

print(rockbottom.report(bedrock))
