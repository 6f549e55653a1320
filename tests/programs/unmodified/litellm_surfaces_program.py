import sys

import litellm
from surface_prompt import BASE, CLAUDE, GPT, QUESTIONS, SYSTEM

asked = {
    "responses": {"model": f"bedrock_mantle/{GPT}", "api_base": f"{BASE}/openai/v1"},
    "chat": {"model": f"openai/{GPT}", "api_base": f"{BASE}/openai/v1"},
    "messages": {"model": f"bedrock_mantle/{CLAUDE}", "api_base": BASE},
}[sys.argv[1]]
for stream in (False, True):
    for question in QUESTIONS[:2]:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        reply = litellm.completion(messages=messages, stream=stream, max_tokens=200, api_key="any", **asked)
        print(
            "".join(chunk.choices[0].delta.content or "" for chunk in reply)
            if stream
            else reply.choices[0].message.content
        )
