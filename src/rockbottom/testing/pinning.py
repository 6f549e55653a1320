"""What the fixture ``rockbottom_pin`` does: one gate for each test session, failures told as pytest tells them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.pins import Gate, PinCheck, PinStatus, Rendering, read_pins
from rockbottom.quantities import RockbottomError
from rockbottom.rendering import verdict_text


def path_of(config: pytest.Config) -> Path:
    """The pin file: from the current folder on the command line, from the root folder in the settings."""
    option = config.getoption("rockbottom_pins")
    if option:
        return config.invocation_params.dir / option
    return config.rootpath / str(config.getini("rockbottom_pins"))


def prefixes_in(config: pytest.Config) -> dict[str, str]:
    """The pinned prefixes by name; none where the file cannot be read, which a test will tell."""
    try:
        return {name: pin.prefix for name, pin in read_pins(path_of(config)).items()}
    except (RockbottomError, OSError):
        return {}


@dataclass(slots=True)
class Pinner:
    """The pins of one session. ``seen`` is what was pinned when the run began."""

    path: Path
    accept: bool
    with_text: bool
    seen: Mapping[str, str]
    _gates: dict[tuple[str | None, int | None], Gate] = field(default_factory=dict[tuple[str | None, int | None], Gate])
    _names: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    @classmethod
    def of(cls, config: pytest.Config) -> "Pinner":
        """As the options of this run say; a worker of xdist is told by the process that started it."""
        seen = getattr(config, "workerinput", {}).get("rockbottom_seen")
        return cls(
            path_of(config),
            bool(config.getoption("rockbottom_accept")),
            bool(config.getoption("rockbottom_with_text")),
            prefixes_in(config) if seen is None else seen,
        )

    def pin(
        self,
        prompt: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
        name: str,
        source: str,
        location: tuple[str, int | None, str],
        *,
        model: str | None = None,
        requests_per_month: int | None = None,
        counted_tokens: int | None = None,
    ) -> PinCheck:
        """Compare a prompt with its pin; fail the test where it is another one, or accept it.

        ``prompt`` is the arguments of converse() or invoke_model(), or a function that returns them: it is called
        twice, and what differs fails. ``model`` stands in where the request names none or an application profile.
        """
        __tracebackhide__ = True
        calls = (prompt(), prompt()) if callable(prompt) else (prompt,)
        rendering = Rendering(name, source, calls, file=location[0], line=(location[1] or 0) + 1)
        try:
            verdict = self._judged(rendering, model, requests_per_month, counted_tokens)
        except RockbottomError as error:
            pytest.fail("\n".join(filter(None, [f"rockbottom: {error}", error.fix])), pytrace=False)
        if not verdict.passed:
            pytest.fail("\n".join([*verdict_text(verdict), *_next_step(verdict, source)]), pytrace=False)
        return verdict

    def _judged(
        self, rendering: Rendering, model: str | None, requests: int | None, counted_tokens: int | None
    ) -> PinCheck:
        gate = Gate(
            self.path, read_pins(self.path), date.today(), model, requests, load_catalog(), self.seen, self._names
        )
        verdict = gate.judged(rendering, counted_tokens)
        return gate.accept([verdict], with_text=self.with_text)[0] if self.accept else verdict


def _next_step(verdict: PinCheck, source: str) -> list[str]:
    if verdict.status in (PinStatus.NEW, PinStatus.CHANGED):
        return ["", f"accept it: pytest '{source}' --rockbottom-accept"]
    return []
