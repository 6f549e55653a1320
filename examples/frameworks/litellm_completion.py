"""LiteLLM: attach to the HTTP handler that its calls are given (AsyncHTTPHandler for acompletion)."""

import litellm
from litellm.llms.custom_httpx.http_handler import HTTPHandler
from workload import MODEL, QUESTIONS, SYSTEM

import rockbottom

http = rockbottom.attach(HTTPHandler())

for question in QUESTIONS:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    reply = litellm.completion(model=f"bedrock/{MODEL}", messages=messages, max_tokens=100, client=http)
    print(reply.choices[0].message.content)
    parts = litellm.completion(model=f"bedrock/{MODEL}", messages=messages, max_tokens=100, client=http, stream=True)
    print("".join(part.choices[0].delta.content or "" for part in parts))

print(rockbottom.report(http))
