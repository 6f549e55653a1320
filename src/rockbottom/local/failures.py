"""Failures that the endpoint answers with, in AWS's codes and HTTP statuses.

    RockbottomError
    +-- LocalError
        +-- ServiceFailure      one AWS error: its code, HTTP status and message

Statuses are those of the service model (botocore bedrock-runtime 2023-09-30, bedrock 2023-04-20).
"""

from collections.abc import Mapping

from rockbottom.quantities import Fault, RockbottomError

STATUSES: Mapping[str, int] = {
    "ValidationException": 400,
    "SerializationException": 400,
    "ServiceQuotaExceededException": 400,
    "ConflictException": 400,
    "TooManyTagsException": 400,
    "UnauthorizedException": 401,  # on the surfaces alone
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}


class LocalError(RockbottomError):
    """Base of what can go wrong with the local endpoint."""


class ServiceFailure(LocalError):
    """An error as AWS would answer it; ``extra`` are members of the error body besides the message."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, fix=hint)
        self.code = code
        self.message = message
        self.status = STATUSES[code]
        self.hint = hint
        self.extra = dict(extra or {})
        self.retry_safe = self.status in (408, 424, 429, 500, 503)
        self.fault = Fault.SERVICE if self.status >= 424 or self.status == 408 else Fault.CALLER

    @property
    def event_name(self) -> str:
        """The name of the same failure inside a stream: ``throttlingException``."""
        return self.code[0].lower() + self.code[1:]


def invalid(message: str) -> ServiceFailure:
    """A ValidationException, the commonest failure."""
    return ServiceFailure("ValidationException", message)


END_OF_LIFE = (
    "This model version has reached the end of its life. Please refer to the AWS documentation for more details."
)
"""What Bedrock says of a model after its end of life, with ResourceNotFoundException (404)."""
