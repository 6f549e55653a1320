"""Whether a workload says how to grade, and says it rightly, before anything is sent."""

from rockbottom.bench.errors import InvalidWorkload, WrongSetting
from rockbottom.bench.quality import Grading
from rockbottom.bench.workload import Workload
from rockbottom.grading import fault_of


def require_checks(workload: Workload, grading: Grading) -> None:
    """Raise InvalidWorkload for a check that cannot be made, WrongSetting where nothing says how to grade.

    A JSON schema needs jsonschema; without it ModuleNotFoundError is raised.
    """
    checks = 0
    for talk, conversation in enumerate(workload.conversations):
        for number, turn in enumerate(conversation.turns):
            for index, check in enumerate(turn.checks):
                checks += 1
                if fault := fault_of(check):
                    place = f"conversations[{talk}].turns[{number}].grade[{index}].{check.kind}"
                    raise InvalidWorkload(workload.file, 1, 1, place, fault)
    if not checks and not grading.judge:
        raise WrongSetting(
            f"{workload.name} does not say how to grade its answers",
            fix="give turns a 'grade' (docs/how-to/grade-answers.md), or --judge MODEL",
        )
