from llama_index.core.llms import ChatMessage
from llama_index.llms.bedrock_converse import BedrockConverse

from prompt import MODEL, QUESTIONS, SYSTEM

llm = BedrockConverse(model=MODEL, max_tokens=50)
for question in QUESTIONS:
    print(llm.chat([ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=question)]))
