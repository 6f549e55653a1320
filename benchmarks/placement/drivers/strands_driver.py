"""Sends Converse bodies through strands-agents' BedrockModel."""

import asyncio
import json

import boto3
from botocore.config import Config
from strands.models import CacheConfig
from strands.models.bedrock import BedrockModel

from endpoint import drive


def send_with(url, options):
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    caching = {"cache_config": CacheConfig(**options)} if options else {}

    models = {}

    def model_of(model_id):
        if model_id not in models:
            models[model_id] = BedrockModel(
                boto_session=session,
                endpoint_url=url,
                model_id=model_id,
                streaming=False,
                boto_client_config=Config(retries={"max_attempts": 1}),
                **caching,
            )
        return models[model_id]

    def send(body):
        model = model_of(body["modelId"])
        specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", ())]

        async def run():
            stream = model.stream(
                json.loads(json.dumps(body["messages"])),
                specs or None,
                None,
                system_prompt_content=body.get("system") or None,
            )
            async for _ in stream:
                pass

        asyncio.run(run())

    return send


if __name__ == "__main__":
    drive(send_with)
