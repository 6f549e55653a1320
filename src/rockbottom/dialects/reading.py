"""A request read as its model would: the right dialect, the right tokenizer."""

from collections.abc import Mapping
from typing import Any

from rockbottom.catalog import Catalog, Model
from rockbottom.dialects.registry import dialect_of
from rockbottom.prompt import Api, Meter, Prompt
from rockbottom.quantities import TokenWeights


class BodyReader:
    """Reads bodies of any model into prompts; keeps one Meter per tokenizer generation (``whole``: see Meter)."""

    def __init__(self, weights: Mapping[str, TokenWeights], *, whole: bool = False) -> None:
        self._weights = weights
        self._whole = whole
        self._meters: dict[str, Meter] = {}

    @classmethod
    def of(cls, catalog: Catalog) -> "BodyReader":
        """A reader with the catalogue's token weights."""
        return cls(catalog.token_weights)

    def meter(self, model: Model) -> Meter:
        """The meter for the model's tokenizer generation."""
        if model.tokenizer not in self._meters:
            self._meters[model.tokenizer] = Meter(self._weights[model.tokenizer], whole=self._whole)
        return self._meters[model.tokenizer]

    def read(self, body: Mapping[str, Any], api: Api, model: Model) -> Prompt:
        """The prompt of a Converse body, or of the model vendor's native body. Raises MalformedBody."""
        return dialect_of(api, model).read(body, self.meter(model))
