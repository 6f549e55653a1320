"""Which model an application inference profile stands for, asked of GetInferenceProfile once per ARN."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rockbottom.catalog import Resolve, Scope, UnknownModel, UnresolvedProfile, scope_of_model_arns
from rockbottom.quantities import RockbottomError

_log = logging.getLogger("rockbottom.client")

KEEP_S = 3600.0  # a profile can be deleted and its name given again; its ARN cannot
RETRY_S = 600.0  # after a failure, e.g. missing permission
_MOST = 1024


def is_application_profile(model_id: object) -> bool:
    """Whether a modelId needs looking up before anything is known about it."""
    return isinstance(model_id, str) and ":application-inference-profile/" in model_id


def must_ask(resolve: Resolve | None, model_id: object) -> bool:
    """Whether a model id stands for another one that is not in memory, so that asking takes a request of its own."""
    knows = getattr(resolve, "knows", None)
    return knows is not None and is_application_profile(model_id) and not knows(model_id)


def ask(resolve: Resolve | None, arn: str) -> None:
    """Have the answer in memory; what goes wrong is remembered and said by the resolver."""
    if resolve is not None:
        with suppress(RockbottomError):
            resolve(arn)


class ProfileResolver:
    """Answers ARNs from memory, else from ``lookup`` (ARN to the reply of GetInferenceProfile).

    Thread-safe. Raises UnresolvedProfile where the service gave no answer; that is remembered for ten
    minutes and said once per ARN.
    """

    def __init__(
        self, lookup: Callable[[str], dict[str, Any]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._lookup = lookup
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, str | None]] = {}
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def renew_lock(self) -> None:
        """A fresh lock, for the child of a fork."""
        self._lock = threading.Lock()

    def knows(self, arn: str) -> bool:
        """Whether an answer (or a failure) is in memory, so that asking costs no network."""
        known = self._known.get(arn)
        return known is not None and known[0] > self._monotonic()

    def __call__(self, arn: str) -> str:
        """The system profile or model id behind an ARN. Raises UnknownModel for an ARN of another kind."""
        if not is_application_profile(arn):
            raise UnknownModel(f"{arn!r} is no inference profile; its prices and cache rules are not known.", given=arn)
        if not self.knows(arn):
            with self._lock:
                if not self.knows(arn):
                    self._ask(arn)
        target = self._known[arn][1]
        if target is None:
            raise UnresolvedProfile(f"GetInferenceProfile gave no answer for {arn}.", arn=arn)
        return target

    def _ask(self, arn: str) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        try:
            target = id_of_profile(self._lookup(arn))
        except Exception as error:
            if arn not in self._said:
                self._said.add(arn)
                _log.warning(
                    "rockbottom: %s could not be looked up (%s); its requests go out unchanged. "
                    "Fix: allow bedrock:GetInferenceProfile, or attach(..., resolve=...)",
                    arn,
                    type(error).__name__,
                )
            self._known[arn] = (self._monotonic() + RETRY_S, None)
        else:
            self._known[arn] = (self._monotonic() + KEEP_S, target)


def id_of_profile(reply: dict[str, Any]) -> str:
    """The id that prices and rules are kept under, from the models that a profile lists."""
    arns = [model["modelArn"] for model in reply["models"]]
    bare = arns[0].rpartition("/")[2]
    scope = scope_of_model_arns(arns)
    return bare if scope is None or scope is Scope.IN_REGION else f"{scope.value}.{bare}"
