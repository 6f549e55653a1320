"""What is said, once for each account, when the guard holds something back."""

from rockbottom.plan.guard import SHARE, Guard
from rockbottom.plan.lanes import Lane
from rockbottom.plan.plans import CachePlan
from rockbottom.plan.trust import Trust


def held_back(lane: Lane, plan: CachePlan, guard: Guard) -> str:
    """The guard, or a run of lost reads, forbids what is expected to pay."""
    account = guard.account(lane.account)
    return (
        f"{lane.model.model.name}: a cache write that should pay was held back ({plan.reason}). The bill is "
        f"{account.extra:+,.0f} input tokens beside one without caching; beyond {SHARE:.0%} of that, "
        f"{guard.allowance:,.0f} may be spent on writes that are never read, plans in flight included."
    )


def paused(lane: Lane, trust: Trust) -> str:
    """A run of reads did not come."""
    return (
        f"{lane.model.model.name}: {trust.run} reads in a row of entries that were confirmed did not come; nothing is "
        "written for some minutes. Requests that change in front of the point, or a profile whose Regions do not share "
        "entries, look like this: `rockbottom explain` on the invocation log tells them apart."
    )
