import dspy

from prompt import MODEL, QUESTIONS, SYSTEM

model = dspy.LM(f"bedrock/converse/{MODEL}", cache=False, max_tokens=50)
for question in QUESTIONS:
    print(model(messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]))
