from crewai import LLM

from prompt import MODEL, QUESTIONS, SYSTEM

llm = LLM(model=f"bedrock/{MODEL}", max_tokens=50)
for question in QUESTIONS:
    print(llm.call([{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]))
