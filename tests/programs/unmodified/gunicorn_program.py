"""A WSGI application that makes its client when it is loaded, and one question for each request."""

import boto3

from prompt import MODEL, SYSTEM

bedrock = boto3.client("bedrock-runtime")


def app(environ, start_response):
    question = [{"role": "user", "content": [{"text": environ["PATH_INFO"]}]}]
    reply = bedrock.converse(modelId=MODEL, system=[{"text": SYSTEM}], messages=question)
    start_response("200 OK", [("content-type", "text/plain")])
    return [str(reply["usage"]).encode()]
