"""One call in each kind of child that a Python program has."""

import multiprocessing
import os
import subprocess
import sys

import boto3

from prompt import MODEL, SYSTEM


def ask(question: str) -> None:
    boto3.client("bedrock-runtime").converse(
        modelId=MODEL, system=[{"text": SYSTEM}], messages=[{"role": "user", "content": [{"text": question}]}]
    )


if __name__ == "__main__":
    ask("in the program itself")
    for method in ("spawn", "fork", "forkserver"):
        child = multiprocessing.get_context(method).Process(target=ask, args=(method,))
        child.start()
        child.join()
        assert child.exitcode == 0
    subprocess.run([sys.executable, "-c", "import children_program as c; c.ask('subprocess')"], check=True)
    pid = os.fork()
    if not pid:
        ask("in a fork that ends without ceremony")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
