"""What a workload names beside the model: the guardrail whose fee is counted, and an agent's other parts."""

from decimal import Decimal

from rockbottom.advise import POLICIES, Guarding, Lines, guarding, lines_of
from rockbottom.catalog import prices_of
from rockbottom.extras import Field


def read_guardrail(field: Field | None) -> Guarding | None:
    """The guardrail whose fee is counted in; it is not sent."""
    if field is None:
        return None
    members = field.members(("policies", "tagged"), required=("policies",))
    names = ",".join(item.one_of(tuple(POLICIES)) for item in members["policies"].items())
    return guarding(names, tagged=members["tagged"].flag() if "tagged" in members else False)


def read_beside(field: Field | None) -> Lines:
    """An agent's other parts, in units a month."""
    if field is None:
        return ()
    members = field.members(tuple(prices_of("agent")))
    return lines_of({name: Decimal(str(member.number(least=0))) for name, member in members.items()})
