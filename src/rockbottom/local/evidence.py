"""What a text holds that an argument could be: quoted names, numbers, proper names, paths, dates, each used once."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_QUOTED = re.compile(r"\"([^\"\n]{1,400})\"|“([^”\n]{1,400})”|`([^`\n]{1,400})`|(?<!\w)'([^'\n]{1,400})'(?!\w)")
_NUMBER = re.compile(r"(?<![\w.:/-])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?![\d:/-])")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPOKEN_DATE = re.compile(
    rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({'|'.join(_MONTHS)})[a-z]*\.?"
    rf"|({'|'.join(_MONTHS)})[a-z]*\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?),?\s+(\d{{4}})\b",
    re.I,
)
_DAY = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|(?:(?:next|this|last)\s+)?(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:next|this|last)\s+(?:week|weekend|month|year))\b",
    re.I,
)
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\.?)?|\b\d{1,2}\s?[ap]m\b", re.I)
_PATH = re.compile(
    r"(?<![\w/])(?:[A-Za-z]:\\|~?/|\./)?[\w.-]+(?:/[\w.-]+)+/?|(?<!\w)/[\w.-]+|\b[\w-]+\.[A-Za-z]{1,5}\b(?!\()"
)
_URL = re.compile(r"\bhttps?://[^\s\"'<>]+[^\s\"'<>.,;:!?)]")
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_CODE = re.compile(r"(?<![\w/])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b")
_SUM = re.compile(r"[(\d][\d\s.,()]*(?:[-+*/^%x×÷]+[\d\s.,()]+)+")
_NAME = re.compile(r"[A-Z][\w’'-]*(?:\s+(?:(?:of|the|de|la|del|van|von)\s+)?[A-Z][\w’'-]*)*(?:,\s+[A-Z]{2}\b)?")
_OBJECT = re.compile(
    r"\b(?:in|for|of|about|named|called|from|to|at|by|on)\s+(?:the\s+|a\s+|an\s+|my\s+)?([a-z][\w-]*(?:\s+[\w-]+)?)",
    re.I,
)
_SENTENCE = re.compile(r"(?:^|[.!?:]\s+|\n\s*)[\"“(]?$")
_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|\d+")
_NO_NAMES = frozenset({"I", "I'm", "I’m", "I'd", "I'll", "I've", "OK", "Please", "The", "A", "An"})
_NO_SUBJECTS = frozenset(
    re.findall(
        r"\w+",
        "It This That These Those There Here He She They We You What Who Which Where When Why How My Our Your "
        "Everything Everybody Everyone Nobody Nothing Something Somebody Someone One Each All Both",
    )
)
_DOES = re.compile(r"(?:['’]s)?\s+(?:is|was|has|had|lives|works|wants|needs|bought|ordered|paid|lost|asked|said)\b")
_SWITCHES = frozenset({"on", "enable", "enabled", "active", "state", "power"})
_OFF = re.compile(r"\b(?:off|disabl\w*|deactivat\w*)\b", re.I)
_NO = r"\b(?:no|not|without|don['’]t|never)\s+"
_LINKS = r"(?:\s+(?:is|are|was|as|to|of|equals|number|no\.?)|\s*[:=#])*\s*"
_FILLERS = frozenset(
    re.findall(r"\w+", "the a an is are was to of and or in on at for with from that this my your it be please now")
)


def words_of(name: str) -> list[str]:
    """The words of a member's name in lower case: ``order_id`` and ``orderId`` have two."""
    return [word.lower() for word in _WORD.findall(name)]


@dataclass(slots=True)
class Evidence:
    """Values found in a text. What was given once is given again only when nothing else is left.

    ``near`` finds the sentence that bears on a member's name, where there are more texts than the question.
    """

    text: str
    near: Callable[[str], str | None] | None = None
    _used: set[str] = field(default_factory=set[str])

    def beside(self, name: str, value: str, *, quoted: bool = False) -> str | None:
        """What stands right behind a member's name, as ``value`` (a pattern) matches it: "limit 5", "order id: A7".

        ``quoted``: what stands there in quotation marks is taken whole.
        """
        words = words_of(name)
        for length in range(len(words), 0, -1):
            spoken = r"[\s_-]*".join(map(re.escape, words[-length:] if length < len(words) else words))
            behind = rf"\b{spoken}s?\b{_LINKS}"
            whole = re.search(rf"{behind}(?:{_QUOTED.pattern})", self.text, re.I) if quoted else None
            match = whole or re.search(rf"{behind}[\"'“`]?({value})", self.text, re.I)
            text = next(filter(None, match.groups()), "") if match else ""
            if text and (whole or text.lower() not in _FILLERS):
                self._used.add(text)
                return text
        return None

    def list_beside(self, name: str) -> list[str]:
        """The words of a list behind a member's name: "tags red, green and blue"."""
        spoken = r"[\s_-]*".join(map(re.escape, words_of(name)))
        match = (
            re.search(rf"\b{spoken}\b{_LINKS}([\w-]+(?:,\s*[\w-]+)*),?\s+and\s+([\w-]+)", self.text, re.I)
            if spoken
            else None
        )
        return [*re.split(r",\s*", match[1]), match[2]] if match else []

    def denies(self, name: str) -> bool:
        """Whether the text says no to what a member names: "turn off" to ``on``, "without images" to ``images``."""
        words = words_of(name)
        if not _SWITCHES.isdisjoint(words) and _OFF.search(self.text):
            return True
        named = "|".join(re.escape(word) for word in words if len(word) > 2)
        return bool(named) and re.search(rf"{_NO}(?:\w+\s+)?(?:{named})", self.text, re.I) is not None

    def release(self, value: str) -> None:
        """Let a value be given again."""
        self._used.discard(value)

    def number(self, name: str, accepts: Callable[[float], bool]) -> float | int | None:
        """The number beside the name, else the next that is accepted; None: there is none."""
        beside = self.beside(name, r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?")
        texts = [beside] if beside is not None else []
        texts += [match[0] for match in _NUMBER.finditer(self.text) if match[0] not in self._used]
        for text in texts:
            value = _number(text)
            if accepts(value):
                self._used.add(text)
                return value
        return None

    def member(self, values: list[Any]) -> Any:
        """The value whose name the text holds, the earliest; None: it holds none."""
        matches: list[tuple[int, int, Any]] = []
        for order, value in enumerate(values):
            words = words_of(str(value)) if isinstance(value, str) else [str(value)]
            if not words:
                continue
            match = re.search(r"\b" + r"[\s_-]*".join(map(re.escape, words)) + r"\b", self.text, re.I)
            if match:
                matches.append((match.start(), order, value))
        return min(matches, key=lambda place: place[:2])[2] if matches else None

    def next(self, *kinds: str) -> str | None:
        """The next value of these kinds that was not given yet."""
        for kind in kinds:
            for value in _FINDERS[kind](self.text):
                if value not in self._used:
                    self._used.add(value)
                    return value
        return None

    def all(self, *kinds: str) -> list[str]:
        """Every value of the first of these kinds that the text holds any of."""
        for kind in kinds:
            values = list(dict.fromkeys(value for value in _FINDERS[kind](self.text) if value not in self._used))
            if values:
                self._used.update(values)
                return values
        return []

    def matching(self, pattern: re.Pattern[str]) -> str | None:
        """The first part of the text that a schema's pattern matches, as a whole value."""
        for value in (*_quoted(self.text), *(word.strip(".,;:!?()\"'`") for word in self.text.split())):
            if value and pattern.search(value):
                return value
        return None


def _number(text: str) -> float | int:
    plain = text.replace(",", "")
    return float(plain) if "." in plain else int(plain)


def _all(pattern: re.Pattern[str]) -> Callable[[str], Iterator[str]]:
    return lambda text: (match[0].strip() for match in pattern.finditer(text))


def _quoted(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        if match[0] == text.strip():  # a command line that was handed on in quotes: nothing in it is quoted
            continue
        yield next(group for group in match.groups() if group is not None)


def _dates(text: str) -> Iterator[str]:
    yield from (match[0] for match in _DATE.finditer(text))
    for match in _SPOKEN_DATE.finditer(text):
        month = _MONTHS.index((match[2] or match[3])[:3].lower()) + 1
        yield f"{match[5]}-{month:02d}-{int(match[1] or match[4]):02d}"


def _names(text: str) -> Iterator[str]:
    first: list[str] = []
    for match in _NAME.finditer(text):
        name = match[0].rstrip("'’-")
        if name.split()[0] in _NO_NAMES:
            continue
        if _SENTENCE.search(text[: match.start()]):
            if " " in name.replace(", ", ","):
                first.append(name.partition(" ")[2])  # "Visit Paris": the first word begins the sentence
            elif _DOES.match(text, match.end()) and name not in _NO_SUBJECTS:
                first.append(name)  # "Ada is 37": of whom something is said
            continue
        yield name
    yield from first


def _objects(text: str) -> Iterator[str]:
    for match in _OBJECT.finditer(text):
        words: list[str] = []
        for word in match[1].split():
            if word.lower() in _FILLERS:
                break
            words.append(word)
        if words:
            yield " ".join(words)


_FINDERS: dict[str, Callable[[str], Iterator[str]]] = {
    "quoted": _quoted,
    "number": _all(_NUMBER),
    "date": _dates,
    "day": _all(_DAY),
    "clock": _all(_CLOCK),
    "path": _all(_PATH),
    "url": _all(_URL),
    "email": _all(_EMAIL),
    "code": _all(_CODE),
    "sum": _all(_SUM),
    "name": _names,
    "object": _objects,
}
