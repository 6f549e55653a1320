"""Which model an application inference profile stands for, asked once per ARN: of GetInferenceProfile, or of the
``resolve`` that ``attach`` was given."""

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
PATIENCE_S = 3.0  # an answer of AWS takes a tenth of it, and the first client of the control plane is made in it
_MOST = 1024


_APPLICATION, _DEPLOYMENT = ":application-inference-profile/", ":custom-model-deployment/"
_ALLOW = "allow bedrock:GetInferenceProfile, or attach(..., resolve=...)"
_ANSWER = "resolve= answers with the id of the model behind it"


def must_ask(resolve: Resolve | None, model_id: object) -> bool:
    """Whether a model id stands for another one that is not in memory, so that asking takes a request of its own."""
    return isinstance(resolve, ProfileResolver) and resolve.takes(model_id) and not resolve.knows(str(model_id))


def ask(resolve: Resolve | None, arn: str) -> None:
    """Have the answer in memory; what goes wrong is remembered and said by the resolver."""
    if resolve is not None:
        with suppress(RockbottomError):
            resolve(arn)


class ProfileResolver:
    """Answers ARNs from memory, else from ``lookup`` (ARN to the reply of GetInferenceProfile, which ``id_in`` reads).

    Thread-safe. A question runs in a thread of its own and is waited for ``patience_s`` seconds at most; one that took
    longer is waited for by nobody, and neither are later ones until one is answered: where no way leads to the control
    plane (a VPC with an endpoint for bedrock-runtime alone), calls do not stand still for it. What was known before
    is answered while it is asked anew.

    Raises UnresolvedProfile where there is no answer, or none yet; a failure is remembered for ten minutes and said
    once per ARN.
    """

    def __init__(
        self,
        lookup: Callable[[str], Any],
        monotonic: Callable[[], float] = time.monotonic,
        patience_s: float = PATIENCE_S,
        *,
        id_in: "Callable[[Any], str] | None" = None,
        kinds: tuple[str, ...] = (_APPLICATION,),
        fix: str = _ALLOW,
    ) -> None:
        self._lookup = lookup
        self._id_in = id_in or id_of_profile
        self._kinds, self._fix = kinds, fix
        self._monotonic = monotonic
        self._patience_s = patience_s
        self._known: dict[str, tuple[float, str | None]] = {}
        self._asked: dict[str, threading.Thread] = {}
        self._slow = False
        self._warned: set[str] = set()
        self._lock = threading.Lock()

    def renew_lock(self) -> None:
        """A fresh lock, for the child of a fork; questions under way stayed with the parent."""
        self._lock = threading.Lock()
        self._asked = {}

    def takes(self, model_id: object) -> bool:
        """Whether it can be asked what a modelId stands for."""
        return isinstance(model_id, str) and any(kind in model_id for kind in self._kinds)

    def knows(self, arn: str) -> bool:
        """Whether an answer (or a failure) is in memory, so that asking costs no network."""
        known = self._known.get(arn)
        return known is not None and known[0] > self._monotonic()

    def __call__(self, arn: str) -> str:
        """The system profile or model id behind an ARN. Raises UnknownModel for an ARN of another kind."""
        if not self.takes(arn):
            raise UnknownModel(
                f"{arn!r} is not an inference profile; its prices and cache rules are not known.", given=arn
            )
        if not self.knows(arn):
            self._find_out(arn)
        known = self._known.get(arn)
        if known is None or known[1] is None:
            raise UnresolvedProfile(f"Nothing says which model {arn} stands for.", arn=arn)
        return known[1]

    def _find_out(self, arn: str) -> None:
        """Have it asked, once however many want to know, and wait for the answer where that is worth it."""
        with self._lock:
            if self.knows(arn):
                return
            question = self._asked.get(arn)
            if question is None:
                question = threading.Thread(target=self._ask, args=(arn,), name="rockbottom-profile", daemon=True)
                try:
                    question.start()
                except RuntimeError:  # no more threads, or the interpreter is shutting down: asked again next time
                    return
                self._asked[arn] = question
        if arn in self._known or self._slow:
            return
        question.join(self._patience_s)
        self._slow = self._slow or question.is_alive()

    def _ask(self, arn: str) -> None:
        try:
            target = self._id_in(self._lookup(arn))
        except BaseException as error:  # of a thread of its own, whoever's code it is
            self._say(arn, error)
            self._keep(arn, RETRY_S, None)
        else:
            self._keep(arn, KEEP_S, target)
            self._slow = False

    def _keep(self, arn: str, for_s: float, target: str | None) -> None:
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[arn] = (self._monotonic() + for_s, target)
            self._asked.pop(arn, None)

    def _say(self, arn: str, error: BaseException) -> None:
        if arn not in self._warned:
            self._warned.add(arn)
            _log.warning(
                "rockbottom: %s could not be looked up (%s); its requests are sent unchanged. Fix: %s",
                arn,
                type(error).__name__,
                self._fix,
            )


def patient(resolve: Resolve) -> ProfileResolver:
    """A ``resolve`` of the caller's own, asked as GetInferenceProfile is: beside the calls, once an hour for each ARN.

    It may ask the network itself, and no call waits for that longer than for ours.
    """
    if isinstance(resolve, ProfileResolver):
        return resolve
    return ProfileResolver(resolve, id_in=_text, kinds=(_APPLICATION, _DEPLOYMENT), fix=_ANSWER)


def _text(answer: Any) -> str:
    if not isinstance(answer, str):
        raise TypeError(f"resolve= answered with {type(answer).__name__}")
    return answer


def id_of_profile(reply: dict[str, Any]) -> str:
    """The id that prices and rules are kept under, from the models that a profile lists."""
    arns = [model["modelArn"] for model in reply["models"]]
    bare = arns[0].rpartition("/")[2]
    scope = scope_of_model_arns(arns)
    return bare if scope is None or scope is Scope.IN_REGION else f"{scope.value}.{bare}"
