"""The closed list of causes of a cache miss. Rule ids are stable: a gate in CI names them.

Numbers are never reused; a new cause takes the next free one. The rules behind each cause are those of
``cache`` (AWS prompt-caching page; what was measured is in the catalogue's rules and switches).
"""

from enum import Enum


class Cause(Enum):
    """Why tokens that an earlier request had sent were not read; the value is the rule id."""

    NO_POINT = "RB001"
    UNDER_MINIMUM = "RB002"
    VOLATILE_TEXT = "RB003"
    TOOLS_CHANGED = "RB004"
    TOOLS_REORDERED = "RB005"
    KEY_ORDER = "RB006"
    WHITESPACE = "RB007"
    HISTORY_REWRITTEN = "RB008"
    HISTORY_TRIMMED = "RB009"
    POINT_NOT_ADVANCED = "RB010"
    LOOKBACK_EXCEEDED = "RB011"
    TTL_EXPIRED = "RB012"
    REGION_HOP = "RB013"
    PARALLEL_WRITE = "RB014"
    PARAMETER_CHANGED = "RB015"
    MODEL_SWITCHED = "RB016"
    API_SWITCHED = "RB017"
    UNSUPPORTED = "RB018"
    UNEXPLAINED = "RB019"
    VERSIONS_MIXED = "RB020"
    HOST_SWITCHED = "RB021"
    TAIL_CHANGED = "RB022"
    NOT_LOOKED_BACK = "RB023"

    @property
    def title(self) -> str:
        """The cause in a few words."""
        return _TEXTS[self][0]

    @property
    def fix(self) -> str:
        """What to do about it, in one sentence."""
        return _TEXTS[self][1]

    @property
    def name_in_words(self) -> str:
        """The name for machines that prefer words: ``ttl-expired``."""
        return self.name.lower().replace("_", "-")


_TEXTS: dict[Cause, tuple[str, str]] = {
    Cause.NO_POINT: (
        "no cachePoint",
        "Put a cachePoint at the end of what repeats: behind the system prompt, a document, or the last message.",
    ),
    Cause.UNDER_MINIMUM: (
        "under the model's minimum",
        "Move the point to a deeper place, so that the prefix reaches the minimum, or take it out: it does nothing.",
    ),
    Cause.VOLATILE_TEXT: (
        "text that changes every time",
        "Move what changes behind the last cachePoint (the end of the newest user message), or round it.",
    ),
    Cause.TOOLS_CHANGED: (
        "tool definitions changed",
        "Send the same tools in every request of a conversation; restrict their use with toolChoice or in the text.",
    ),
    Cause.TOOLS_REORDERED: (
        "tools in another order",
        "Sort the tools by name before sending; a set or a registry gives no stable order.",
    ),
    Cause.KEY_ORDER: (
        "JSON keys in another order",
        "Serialise with sorted keys, or build the object once and send it again.",
    ),
    Cause.WHITESPACE: (
        "only white space differs",
        "Build the text once and keep it; do not indent or strip it again for every request.",
    ),
    Cause.HISTORY_REWRITTEN: (
        "earlier messages were rewritten",
        "Append only; when old content must be cleared, clear much of it rarely rather than a little each turn.",
    ),
    Cause.HISTORY_TRIMMED: (
        "the oldest messages were dropped",
        "Trim in large steps (half the window at once), so that many turns share a prefix between two trims.",
    ),
    Cause.POINT_NOT_ADVANCED: (
        "the cachePoint did not advance",
        "Put a second point at the end of the newest message, and move it with every turn.",
    ),
    Cause.LOOKBACK_EXCEEDED: (
        "lookback exceeded",
        "Put a further point between: at the end of the previous request, or every 20 blocks.",
    ),
    Cause.TTL_EXPIRED: (
        "the entry had expired",
        "Write with ttl 1h where such gaps are common, or send a small request before the entry expires.",
    ),
    Cause.REGION_HOP: (
        "another Region served the request",
        "Each Region has entries of its own: call one Region's profile for long conversations, or accept the hops.",
    ),
    Cause.PARALLEL_WRITE: (
        "parallel requests wrote at once",
        "Send one request, wait until its reply begins, then send the others.",
    ),
    Cause.PARAMETER_CHANGED: (
        "a cache-key parameter changed",
        "Keep thinking, effort, output schema, ttl and the tool choice group the same within a conversation.",
    ),
    Cause.MODEL_SWITCHED: (
        "another model",
        "Entries belong to one model: switch between conversations, not within one.",
    ),
    Cause.API_SWITCHED: (
        "two APIs mixed",
        "They build different prompts: use one of them for a whole conversation.",
    ),
    Cause.UNSUPPORTED: (
        "the model does not cache prompts",
        "Choose a model with prompt caching for this traffic, or batch it.",
    ),
    Cause.VERSIONS_MIXED: (
        "two versions of the instructions",
        "Keep a conversation on one version until it ends (a deploy that rolls over a fleet mixes them), or switch all "
        "at once.",
    ),
    Cause.HOST_SWITCHED: (
        "runtime and mantle hosts mixed",
        "Each host is assumed to have entries of its own (nobody has measured it): send a conversation, and whatever "
        "shares its instructions, to one host.",
    ),
    Cause.TAIL_CHANGED: (
        "the prompt's end not sent again",
        "The service's own point stands at the end of the latest message: mark the end of what stays as well "
        "(prompt_cache_breakpoint), or keep that message in the history.",
    ),
    Cause.NOT_LOOKED_BACK: (
        "the service did not look back",
        "Set prompt_cache_options.mode to explicit and mark what your program wrote and sends again (a mark on what a "
        "tool answered writes nothing); issue 37674 of openai/codex reports such "
        "prompts, written as a whole every turn. rockbottom probe --only implicit_lookback measures it.",
    ),
    Cause.UNEXPLAINED: (
        "unexplained",
        "By the rules this should have been read; AWS may have dropped the entry early. If it happens often, "
        "report it to AWS.",
    ),
}
