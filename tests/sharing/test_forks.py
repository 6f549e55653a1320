"""A server that forks its workers the moment after it attached, as gunicorn does with ``--preload``."""

import subprocess
import sys

from rockbottom.local import running

WORKERS = """
import os, sys, time
import boto3
import rockbottom

endpoint, share = sys.argv[1:]
keys = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
client = rockbottom.attach(boto3.client("bedrock-runtime", endpoint_url=endpoint, **keys), share=share)
workers = []
for _ in range(3):
    worker = os.fork()
    if worker:
        workers.append(worker)
        continue
    import redis  # as the program itself may
    question = [{"role": "user", "content": [{"text": "are you there?"}]}]
    ends = time.monotonic() + 15
    while time.monotonic() < ends:
        client.converse(modelId="us.anthropic.claude-sonnet-4-6", messages=question)
        if not any("answer" in notice for notice in rockbottom.report(client).notices):
            os._exit(0)
        time.sleep(0.1)
    os._exit(1)
print([os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers])
"""


def test_workers_that_are_forked_while_the_client_of_the_store_is_loaded_share_all_the_same(server):
    """The parent's threads had begun to import redis-py: in a child that never ended, nor did the program's own."""
    with running() as endpoint:
        command = [sys.executable, "-c", WORKERS, endpoint.url, server.url]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.strip() == "[0, 0, 0]", run.stderr
