"""What can go wrong with a bench run.

    RockbottomError
    +-- BenchError
        +-- InvalidWorkload     the workload file: ``file``, ``line``, ``column`` and ``field`` say where
        +-- InvalidRun          a folder of results that cannot be resumed
        +-- EndpointRefused     AWS or the endpoint said no, and would say it again: credentials, access, a bad request
        +-- EndpointDied        it could not be reached, or stopped answering; what was finished is kept
        +-- SpendLimit          the next request could exceed ``--max-usd``; what was finished is kept
        +-- WrongSetting        a profile or Region that does not exist
        +-- SdkTooOld           the boto3 found here does not know cachePoint

Exit codes: InvalidWorkload, InvalidRun, WrongSetting and SdkTooOld 2, EndpointRefused 3, EndpointDied and SpendLimit 4
once a turn was finished (``exit_code``), else 3 and 2.
"""

from rockbottom.quantities import Fault, RockbottomError

_USAGE, _SERVICE, _PARTIAL = 2, 3, 4  # rockbottom.cli.exits.Exit, which lies above this package


class BenchError(RockbottomError):
    """The base of the errors of a bench run."""


class InvalidWorkload(BenchError):
    """A workload file has a fault; line and column count from 1."""

    def __init__(self, file: str, line: int, column: int, field: str, problem: str, *, fix: str | None = None) -> None:
        place = f"{file}:{line}:{column}: {field}" if field else f"{file}:{line}:{column}"
        super().__init__(f"{place}: {problem}", fix=fix)
        self.file, self.line, self.column, self.field = file, line, column, field


class InvalidRun(BenchError):
    """A folder under runs/ that does not fit what it is asked to do."""


class WrongSetting(BenchError):
    """A setting names what does not exist: an AWS profile, a Region."""


class SdkTooOld(BenchError):
    """boto3 would reject a cachePoint before sending it."""


class EndpointRefused(BenchError):
    """The service refused the request; ``code`` is its error code. Sending it again changes nothing."""

    fault = Fault.SERVICE

    def __init__(self, message: str, *, code: str = "", fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.code = code


class EndpointDied(BenchError):
    """No answer, or half of one; ``finished`` turns are kept and the run can be resumed."""

    fault = Fault.SERVICE
    retry_safe = True

    def __init__(self, message: str, *, finished: int = 0, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.finished = finished
        self.exit_code = _PARTIAL if finished else _SERVICE


class SpendLimit(BenchError):
    """The limit on spending would be exceeded by the next request."""

    def __init__(self, message: str, *, finished: int = 0, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.finished = finished
        self.exit_code = _PARTIAL if finished else _USAGE
