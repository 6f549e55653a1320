"""What answers a call of AWS's may be anything."""

import pytest

from rockbottom.quantities import AwsAnswer, Fault, UnexpectedAnswer


def test_a_member_that_is_missing_is_the_services_fault():
    """A proxy that answers everything with an empty object is no fault of rockbottom's."""
    answer = AwsAnswer({"status": "Completed"})
    assert (answer["status"], answer.get("jobArn")) == ("Completed", None)
    with pytest.raises(UnexpectedAnswer, match="has no jobArn") as caught:
        answer["jobArn"]
    assert caught.value.fault is Fault.SERVICE
