"""What looks at the bytes of a good reply as they go by, by its operation and its headers."""

from collections.abc import Mapping

from rockbottom.client.calls import Call
from rockbottom.client.httpx_streams import BodyFeed, Feed, SseFeed, StreamFeed, UsageFeed, unpacked
from rockbottom.client.listening import CallListener
from rockbottom.client.streams import BodyWatcher, StreamWatcher
from rockbottom.dialects import api_of, header_counts, header_input, is_streaming


def feed_of(call: Call, headers: Mapping[str, str], listener: CallListener, *, counting: bool) -> Feed | None:
    """The feed of a reply; None where its headers have told all, or it cannot be read. Header names in lower case.

    ``counting``: its usage was asked for here (``counting.with_usage``), and not by the caller, who is not to see it.
    """
    ttl, encoding = call.default_ttl, headers.get("content-encoding", "")
    if is_streaming(call.operation):
        watcher = StreamWatcher(call.counting(), ttl, listener)
        if counting and encoding in ("", "identity"):  # of a compressed stream no chunk can be left out
            return UsageFeed(watcher)
        stream = SseFeed(watcher) if api_of(call.operation).names_model else StreamFeed(watcher)
        return unpacked(stream, encoding) or listener.unread(encoding)
    counts = header_counts(headers)
    if counts is not None and not counts.write and not call.guarded:
        listener.finished(counts.usage(ttl))
        return None
    feed = unpacked(BodyFeed(BodyWatcher(call.counts_of, ttl, listener, header_input(headers))), encoding)
    if feed is None and counts is not None:
        listener.finished(counts.usage(ttl))
    return feed or (None if counts is not None else listener.unread(encoding))
