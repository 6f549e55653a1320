"""A tiny endpoint on 127.0.0.1 that notes what a peer really sends and answers every Converse alike.

Runs inside the peer's own environment, so it uses the standard library only.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

REPLY = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Done."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12},
    "metrics": {"latencyMs": 1},
}


class Recorder(ThreadingHTTPServer):
    """Keeps the bodies received since the last ``take``, and knows the model behind each application profile."""

    daemon_threads = True

    def __init__(self, profiles):
        super().__init__(("127.0.0.1", 0), Handler)
        self.profiles = profiles
        self.received = []

    @property
    def url(self):
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self):
        """The bodies received since the last call."""
        received, self.received = self.received, []
        return received


class Handler(BaseHTTPRequestHandler):
    """Answers every Converse with the same reply, and tells which model an application profile stands for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Note a Converse body and answer."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = unquote(self.path).split("/model/")[-1]
        self.server.received.append({"modelId": parts.rsplit("/", 1)[0], **json.loads(body)})
        self._answer(200, REPLY)

    def do_GET(self):
        """Answer GetInferenceProfile."""
        arn = unquote(self.path.removeprefix("/inference-profiles/"))
        behind = self.server.profiles.get(arn)
        if behind is None:
            self._answer(404, {"message": "no such thing here"})
            return
        model = f"arn:aws:bedrock:us-east-1::foundation-model/{behind}"
        self._answer(
            200,
            {
                "inferenceProfileName": "bench",
                "inferenceProfileArn": arn,
                "inferenceProfileId": arn.rsplit("/", 1)[-1],
                "models": [{"modelArn": model}],
                "status": "ACTIVE",
                "type": "APPLICATION",
            },
        )

    def _answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Say nothing."""


def drive(send_with):
    """Run the job named on the command line: ``send_with(url, settings)`` gives a function that sends one body.

    The answer is one line for each body: what arrived, or why nothing did.
    """
    job = json.loads(Path(sys.argv[1]).read_text())
    server = Recorder(job["profiles"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(sys.argv[2], "w") as out:
        for setting in job["settings"]:
            send = send_with(server.url, setting["options"])
            for body in job["bodies"]:
                note = {"setting": setting["name"]}
                started = time.perf_counter()
                try:
                    send(body)
                except Exception as error:  # whatever a peer raises is a result, told to the reader
                    note["error"] = f"{type(error).__name__}: {error}"[:300]
                note["seconds"] = round(time.perf_counter() - started, 5)
                sent = server.take()
                if sent:
                    note["body"] = sent[0]
                    note.pop("error", None)
                    if len(sent) > 1:
                        note["extra"] = len(sent) - 1
                out.write(json.dumps(note) + "\n")
