import sys

import openai
from surface_prompt import BASE, GPT, QUESTIONS, SYSTEM

client = openai.OpenAI(base_url=f"{BASE}/openai/v1", api_key="any")
elsewhere = openai.OpenAI(base_url="https://api.example.com/v1", api_key="any")
for question in QUESTIONS:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    if sys.argv[1] == "responses":
        print(client.responses.create(model=GPT, input=messages).output_text)
    else:
        print(client.chat.completions.create(model=GPT, messages=messages).choices[0].message.content)
