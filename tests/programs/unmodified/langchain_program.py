from langchain_aws import ChatBedrockConverse

from prompt import MODEL, QUESTIONS, SYSTEM

chat = ChatBedrockConverse(model=MODEL, max_tokens=50)
for question in QUESTIONS:
    print(chat.invoke([("system", SYSTEM), ("user", question)]).content)
