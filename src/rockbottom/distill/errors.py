"""What can go wrong with a distillation.

RockbottomError
+-- DistillError
    +-- NoSuchPair        a teacher and a student that Bedrock does not distil today
    +-- UnfitData         too few prompts that may train a student
    +-- NoSuchJob         no job, model or deployment of that name
    +-- JobEnded          the job failed, was stopped, or was stopped here because its time was over
"""

from rockbottom.quantities import Fault, RockbottomError


class DistillError(RockbottomError):
    """Base of every error of this package."""


class NoSuchPair(DistillError):
    """A teacher and a student that Bedrock does not distil today."""


class UnfitData(DistillError):
    """Too few prompts that may train a student."""


class NoSuchJob(DistillError):
    """No job, model or deployment of that name."""


class JobEnded(DistillError):
    """The job did not complete."""

    fault = Fault.SERVICE
