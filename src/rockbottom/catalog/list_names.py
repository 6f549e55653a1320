"""Models by the names that price lists and bills give them, which are not the catalogue's ids. Pure."""

import re
from collections.abc import Iterable, Mapping

from rockbottom.catalog.models import Model
from rockbottom.catalog.usage_types import words_of_the_list

MARKETPLACE_EDITION = "(Amazon Bedrock Edition)"
"""How product names of models end that are sold through the Marketplace."""

_NameWords = tuple[frozenset[str], tuple[str, ...]]


class ListNames:
    """What the list calls models: the catalogue's names and ids, and those of ``usage_types.toml``."""

    def __init__(self, models: Iterable[Model]) -> None:
        listed: Mapping[str, str] = words_of_the_list()["names"]
        known = tuple(models)
        self._ids = {_plain(model.id): model.id for model in known}
        self._ids |= {_plain(model.id.removesuffix("-1:0").removesuffix("-v1:0")): model.id for model in known}
        self._names: dict[_NameWords, set[str]] = {}
        for model in known:
            self._names.setdefault(_name_words(model.name), set()).add(model.id)
        ids = {model.id for model in known}
        for name, model_id in listed.items():
            if model_id in ids:
                self._names[_name_words(name)] = {model_id}

    def model(self, name: str) -> str | None:
        """The id of the one model of this name or id; None of no model, or of several."""
        name = name.removesuffix(MARKETPLACE_EDITION)
        exact = self._ids.get(_plain(name))
        ids = self._names.get(_name_words(name), set())
        return exact or (next(iter(ids)) if len(ids) == 1 else None)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", text.lower())


def _name_words(name: str) -> _NameWords:
    """Words in any order, versions in theirs: "Claude 4.5 Haiku" is "Claude Haiku 4.5", "Nova2.0Lite" "Nova 2 Lite"."""
    plain = re.sub(r"(?<=\d)\.0(?!\d)", "", name)
    words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)}
    return frozenset(words - {"instruct", "chat", "it"}), tuple(re.findall(r"\d+", plain))
