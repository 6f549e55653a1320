"""What became of a call to CloudWatch that was refused or did not arrive."""

from collections.abc import Callable, Collection
from typing import Any

from rockbottom.quantities import Fault, RockbottomError, error_code


class AccountUnavailable(RockbottomError):
    """AWS did not answer, or refused."""

    fault = Fault.SERVICE


def answer_of(call: Callable[[], Any], policy: str, codes: Collection[str] = (), missing: Any = None) -> Any:
    """What a call gives; ``missing`` where AWS answers with one of these ``codes``, which say that it is not there.

    ``policy`` is the command that prints what the call needs. Raises AccountUnavailable, also where ``call`` does not
    find in the answer what AWS's own has.
    """
    try:
        return call()
    except (LookupError, TypeError, AttributeError, ValueError) as error:  # 200, and not what AWS answers
        raise AccountUnavailable(
            f"the answer of the service cannot be read: {type(error).__name__}: {error}",
            fix="check --endpoint-url, and AWS_ENDPOINT_URL in the environment",
        ) from error
    except Exception as error:
        if error_code(error) in codes:
            return missing
        message = unavailable(error, policy)
        if message is error:
            raise
        raise message from error


def unavailable(error: Exception, policy: str) -> Exception:
    """An error of AWS or of the way there in one message; anything else as it is.

    ``policy`` is the command that prints what would allow it.
    """
    if type(error).__module__.partition(".")[0] not in ("botocore", "boto3"):
        return error
    code = error_code(error)
    fix = "check --region and --profile"
    if "AccessDenied" in code or "AuthorizationError" in code:
        fix = f"rockbottom {policy} prints what it needs"
    elif type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        fix = "give --profile NAME, or credentials in the environment"
    return AccountUnavailable(f"AWS: {error}", fix=fix)
