"""Prompt routers: a model id that stands for several, and the one that a reply says was chosen."""

from collections.abc import Mapping
from typing import Any

from rockbottom.quantities import is_object

_KIND = "prompt-router/"  # also at the end of "default-prompt-router/"


def is_router(model_id: str) -> bool:
    """Whether a model id is the ARN of a prompt router."""
    return _KIND in model_id


def invoked_model_of(reply: Mapping[str, Any]) -> str | None:
    """The model that a router chose (``trace.promptRouter.invokedModelId``); None where the reply names none."""
    trace = reply.get("trace")
    router = trace.get("promptRouter") if is_object(trace) else None
    chosen = router.get("invokedModelId") if is_object(router) else None
    return chosen if isinstance(chosen, str) and chosen else None
