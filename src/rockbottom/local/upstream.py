"""Answers written by an OpenAI-compatible server, so that they and their latency are real.

The prompt's texts, tool calls, tool results and tools are handed on; images, documents that are not text, and
cachePoints are not. Blocking: the application calls it from a thread of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
import urllib3

from rockbottom.local.answers import Answer
from rockbottom.local.asked import Asked
from rockbottom.local.failures import LocalError, ServiceFailure

Json = dict[str, Any]
_TIMEOUT = urllib3.Timeout(connect=10, read=600)
_READ_BYTES = 65_536
_STOPS = {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "content_filtered"}


class Upstream:
    """One server, by the base URL that ends before ``/chat/completions``; ``model`` overrides the Bedrock id."""

    def __init__(self, base_url: str, model: str | None) -> None:
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise LocalError(
                f"{base_url!r} is no http(s) URL of an OpenAI-compatible server",
                fix="give it as far as /v1: http://127.0.0.1:8000/v1",
            )
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._model = model
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=_TIMEOUT)

    def answer(self, body: Mapping[str, Any], task: Asked, model: str, count: Callable[[str], int]) -> Answer:
        """The upstream's reply. Raises ServiceFailure in Bedrock's words when it fails."""
        reply = self._sent(self._request(body, task, model))
        try:
            return _answer(_decoded(reply.data), count)
        finally:
            reply.release_conn()

    def streamed(
        self,
        body: Mapping[str, Any],
        task: Asked,
        model: str,
        count: Callable[[str], int],
        on_text: Callable[[str], None],
    ) -> Answer:
        """The upstream's reply, its text told piece by piece as it comes; the tool calls are only in the answer.

        Raises ServiceFailure, also after pieces were told: ModelStreamErrorException when the stream breaks.
        """
        asking = {**self._request(body, task, model), "stream": True, "stream_options": {"include_usage": True}}
        reply = self._sent(asking)
        try:
            if "event-stream" not in reply.headers.get("content-type", ""):
                answer = _answer(_decoded(reply.data), count)  # a server that does not stream
                _tell(answer, on_text)
                return answer
            gathered = _Gathered()
            for chunk in _chunks(reply):
                text = gathered.add(chunk)
                if text:
                    on_text(text)
            return _answer(gathered.reply(), count)
        except urllib3.exceptions.HTTPError as error:
            raise _broken(f"broke off: {error}") from error
        except (AttributeError, KeyError, IndexError, TypeError, msgspec.DecodeError) as error:
            raise _broken(f"cannot be read: {error!r}") from error
        finally:
            reply.close()

    def _request(self, body: Mapping[str, Any], task: Asked, model: str) -> Json:
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
                preload_content=not request["stream"],
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
            text = reply.data[:300].decode("utf-8", "replace")
            reply.release_conn()
            code = "ThrottlingException" if reply.status == 429 else "ModelErrorException"
            extra = {} if reply.status == 429 else {"originalStatusCode": reply.status}
            raise ServiceFailure(code, f"The upstream answered {reply.status}: {text}", extra=extra)
        return reply


@dataclass(slots=True)
class _Gathered:
    """A whole reply put together from the chunks of a stream."""

    texts: list[str] = field(default_factory=list[str])
    calls: dict[int, Json] = field(default_factory=dict[int, Json])
    finish: str | None = None
    usage: Json | None = None

    def add(self, chunk: Json) -> str:
        """Take one chunk; the text that it adds. Raises ServiceFailure for an error inside the stream."""
        if chunk.get("error"):
            raise _broken(f"failed: {str(chunk['error'])[:300]}")
        self.usage = chunk.get("usage") or self.usage
        choice: Any = next(iter(chunk.get("choices") or ()), None) or {}
        self.finish = choice.get("finish_reason") or self.finish
        delta: Any = choice.get("delta") or {}
        for call in delta.get("tool_calls") or ():
            self._add_call(call)
        text = delta.get("content") or ""
        self.texts.append(text)
        return text

    def _add_call(self, call: Json) -> None:
        known = self.calls.setdefault(call.get("index", 0), {"id": "", "function": {"name": "", "arguments": ""}})
        function: Any = call.get("function") or {}
        known["id"] = call.get("id") or known["id"]
        known["function"]["name"] = known["function"]["name"] or function.get("name") or ""
        known["function"]["arguments"] += function.get("arguments") or ""

    def reply(self) -> Json:
        """The reply as if it had not been streamed. Raises ServiceFailure when the stream never finished."""
        if self.finish is None:
            raise _broken("ended before it was finished")
        message = {"content": "".join(self.texts), "tool_calls": [self.calls[index] for index in sorted(self.calls)]}
        return {"choices": [{"message": message, "finish_reason": self.finish}], "usage": self.usage}


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
                yield msgspec.json.decode(event[5:], type=Json)


def _tell(answer: Answer, on_text: Callable[[str], None]) -> None:
    for block in answer.content:
        if "text" in block:
            on_text(block["text"])


def _broken(how: str) -> ServiceFailure:
    return ServiceFailure(
        "ModelStreamErrorException", f"The upstream's stream {how}", extra={"originalStatusCode": 200}
    )


def _decoded(data: bytes) -> Json:
    try:
        return msgspec.json.decode(data, type=Json)
    except msgspec.DecodeError as error:
        raise ServiceFailure(
            "ModelErrorException", f"The upstream's reply is not JSON: {error}", extra={"originalStatusCode": 200}
        ) from error


def _answer(reply: Json, count: Callable[[str], int]) -> Answer:
    try:
        choice = reply["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        content: list[Json] = [{"text": text}] if text else []
        for call in message.get("tool_calls") or ():
            function = call["function"]
            content.append(
                {
                    "toolUse": {
                        "toolUseId": call["id"],
                        "name": function["name"],
                        "input": msgspec.json.decode(function.get("arguments") or "{}"),
                    }
                }
            )
        usage: Any = reply.get("usage") or {}
        counted = usage.get("completion_tokens")
    except (AttributeError, KeyError, IndexError, TypeError, msgspec.DecodeError) as error:
        raise ServiceFailure(
            "ModelErrorException", f"The upstream's reply cannot be read: {error!r}", extra={"originalStatusCode": 200}
        ) from error
    tokens = counted if isinstance(counted, int) else count(text)
    return Answer(tuple(content), _STOPS.get(str(choice.get("finish_reason")), "end_turn"), tokens)


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
