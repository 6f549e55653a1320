"""What ends a probe before its answer."""

from rockbottom.quantities import Fault, RockbottomError


class ProbeStopped(RockbottomError):
    """A probe ended before it had an answer; ``fault`` says whether the service or the caller stopped it."""

    def __init__(self, message: str, *, fix: str | None = None, fault: Fault = Fault.CALLER) -> None:
        super().__init__(message, fix=fix)
        self.fault = fault
