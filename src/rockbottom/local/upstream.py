"""Answers written by an OpenAI-compatible server, so that they and their latency are real.

The prompt's texts, tool calls, tool results and tools are handed on; images, documents that are not text, and
cachePoints are not. Blocking: the application calls it from a thread of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import urllib3

from rockbottom.dialects import CHAT
from rockbottom.local.answers import NeutralReply
from rockbottom.local.asked import NeutralRequest
from rockbottom.local.failures import LocalError, ServiceFailure
from rockbottom.process import content_of_reply
from rockbottom.quantities import Undecodable, decoded
from rockbottom.wire import Event, StreamFailed, TruncatedStream

Json = dict[str, Any]
_TIMEOUT = urllib3.Timeout(connect=10, read=600)
_READ_BYTES = 65_536
_STOPS = frozenset({"max_tokens", "tool_use", "content_filtered"})  # any other end is the model's own


class UpstreamServer:
    """One server, by the base URL that ends before ``/chat/completions``; ``model`` overrides the Bedrock id."""

    def __init__(self, base_url: str, model: str | None) -> None:
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise LocalError(
                f"{base_url!r} is not the http(s) URL of an OpenAI-compatible server",
                fix="give it as far as /v1: http://127.0.0.1:8000/v1",
            )
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._model = model
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=_TIMEOUT)

    def answer(
        self, body: Mapping[str, Any], task: NeutralRequest, model: str, count: Callable[[str], int]
    ) -> NeutralReply:
        """The upstream's reply. Raises ServiceFailure in Bedrock's words when it fails."""
        reply = self._sent(self._request(body, task, model))
        try:
            return _answer(_decoded(_whole(reply)), count)
        finally:
            reply.release_conn()

    def streamed(
        self,
        body: Mapping[str, Any],
        task: NeutralRequest,
        model: str,
        count: Callable[[str], int],
        on_text: Callable[[str], None],
    ) -> NeutralReply:
        """The upstream's reply, its text told piece by piece as it comes; the tool calls are only in the answer.

        Raises ServiceFailure, also after pieces were told: ModelStreamErrorException when the stream breaks.
        """
        asking = {**self._request(body, task, model), "stream": True, "stream_options": {"include_usage": True}}
        reply = self._sent(asking)
        try:
            if "event-stream" not in reply.headers.get("content-type", ""):
                answer = _answer(_decoded(_whole(reply)), count)  # a server that does not stream
                _tell(answer, on_text)
                return answer
            events: list[Event] = []
            for chunk in _chunks(reply):
                events.append(("chunk", chunk))
                if text := _text_of(chunk):
                    on_text(text)
            return _answer(CHAT.assembled(events), count)
        except urllib3.exceptions.HTTPError as error:
            raise _broken(f"broke off: {error}") from error
        except StreamFailed as error:
            raise _broken(f"failed: {str(error)[:300]}") from error
        except TruncatedStream as error:
            raise _broken("ended before it was finished") from error
        except (AttributeError, KeyError, IndexError, TypeError, Undecodable) as error:
            raise _broken(f"cannot be read: {error!r}") from error
        finally:
            reply.close()

    def _request(self, body: Mapping[str, Any], task: NeutralRequest, model: str) -> Json:
        request: Json = {"model": self._model or model, "messages": messages_of(body), "stream": False}
        if task.max_tokens is not None:
            request["max_tokens"] = task.max_tokens
        if task.stop_sequences:
            request["stop"] = list(task.stop_sequences)
        if task.tools:
            request["tools"] = [
                {"type": "function", "function": {"name": tool.name, "parameters": tool.schema}} for tool in task.tools
            ]
            if task.forced is not None:
                request["tool_choice"] = (
                    {"type": "function", "function": {"name": task.forced}} if task.forced else "required"
                )
        return request

    def _sent(self, request: Json) -> urllib3.BaseHTTPResponse:
        headers = {"content-type": "application/json"}
        try:
            reply = self._pool.request(
                "POST",
                self._url,
                body=msgspec.json.encode(request),
                headers=headers,
                preload_content=False,
            )
        except urllib3.exceptions.ReadTimeoutError as error:
            raise ServiceFailure(
                "ModelTimeoutException", f"The upstream {self._url} did not answer in time."
            ) from error
        except urllib3.exceptions.HTTPError as error:
            raise ServiceFailure(
                "ServiceUnavailableException",
                f"The upstream {self._url} cannot be reached: {error}",
            ) from error
        if reply.status != 200:
            text = reply.read(300).decode("utf-8", "replace")
            reply.release_conn()
            code = "ThrottlingException" if reply.status == 429 else "ModelErrorException"
            extra = {} if reply.status == 429 else {"originalStatusCode": reply.status}
            raise ServiceFailure(code, f"The upstream answered {reply.status}: {text}", extra=extra)
        return reply


def _chunks(reply: urllib3.BaseHTTPResponse) -> Iterator[Json]:
    """The JSON of the server-sent events, each as soon as its line has come."""
    waiting = b""
    while data := reply.read1(_READ_BYTES):
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            event = line.strip()
            if event == b"data: [DONE]":
                return
            if event.startswith(b"data:"):
                yield decoded(event[5:], Json)


def _tell(answer: NeutralReply, on_text: Callable[[str], None]) -> None:
    for block in answer.content:
        if "text" in block:
            on_text(block["text"])


def _broken(how: str) -> ServiceFailure:
    return ServiceFailure(
        "ModelStreamErrorException", f"The upstream's stream {how}", extra={"originalStatusCode": 200}
    )


def _whole(reply: urllib3.BaseHTTPResponse) -> bytes:
    """What is read at once. Raises ServiceFailure."""
    try:
        return content_of_reply(reply)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise ServiceFailure("ModelTimeoutException", "The upstream did not finish in time.") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ServiceFailure("ServiceUnavailableException", f"The upstream's reply cannot be read: {error}") from error


def _decoded(data: bytes) -> Json:
    try:
        return decoded(data, Json)
    except Undecodable as error:
        raise ServiceFailure(
            "ModelErrorException", f"The upstream's reply is not JSON: {error}", extra={"originalStatusCode": 200}
        ) from error


def _text_of(chunk: Json) -> str:
    """The text that a chunk of a stream adds."""
    choice: Any = next(iter(chunk.get("choices") or ()), None) or {}
    delta: Any = choice.get("delta") or {}
    return delta.get("content") or ""


def _answer(reply: Json, count: Callable[[str], int]) -> NeutralReply:
    try:
        content, stop = CHAT.told(reply)
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise ServiceFailure(
            "ModelErrorException", f"The upstream's reply cannot be read: {error!r}", extra={"originalStatusCode": 200}
        ) from error
    counted = CHAT.counters.output_of(reply.get("usage"))
    tokens = counted if counted is not None else count("".join(block.get("text", "") for block in content))
    return NeutralReply(content, stop if stop in _STOPS else "end_turn", tokens)


def messages_of(body: Mapping[str, Any]) -> list[Json]:
    """The chat messages of a Converse body."""
    system = _texts(body.get("system") or ())
    messages: list[Json] = [{"role": "system", "content": system}] if system else []
    for message in body.get("messages") or ():
        blocks = message.get("content") or ()
        messages += _results(blocks)
        text, calls = _texts(blocks), list(_calls(blocks))
        if calls:
            messages.append({"role": "assistant", "content": text or None, "tool_calls": calls})
        elif text:
            messages.append({"role": message["role"], "content": text})
    return messages


def _texts(blocks: Iterable[Json]) -> str:
    return "\n\n".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


def _calls(blocks: Iterable[Json]) -> Iterable[Json]:
    for block in blocks:
        use = block.get("toolUse")
        if use:
            arguments = msgspec.json.encode(use.get("input")).decode()
            function = {"name": use.get("name"), "arguments": arguments}
            yield {"id": use.get("toolUseId"), "type": "function", "function": function}


def _results(blocks: Iterable[Json]) -> Iterable[Json]:
    for block in blocks:
        result = block.get("toolResult")
        if result:
            text = "\n".join(
                part["text"] if "text" in part else msgspec.json.encode(part.get("json")).decode()
                for part in result.get("content") or ()
            )
            yield {"role": "tool", "tool_call_id": result.get("toolUseId"), "content": text}
