from haystack.dataclasses import ChatMessage
from haystack_integrations.components.generators.amazon_bedrock import AmazonBedrockChatGenerator

from prompt import MODEL, QUESTIONS, SYSTEM

generator = AmazonBedrockChatGenerator(model=MODEL)
for question in QUESTIONS:
    reply = generator.run([ChatMessage.from_system(SYSTEM), ChatMessage.from_user(question)])
    print(reply["replies"][0].text)
