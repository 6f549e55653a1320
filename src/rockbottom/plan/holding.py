"""What is said, once for each account, when something is held back."""

from rockbottom.figures import share, thousands
from rockbottom.plan.conditions import Conditions
from rockbottom.plan.fronts import Changing
from rockbottom.plan.guard import SHARE, Guard
from rockbottom.plan.insurance import MISSES_UNTIL_OFF
from rockbottom.plan.plans import CachePlan
from rockbottom.plan.trust import Trust
from rockbottom.prompt import Prompt


def held_back(conditions: Conditions, plan: CachePlan, guard: Guard) -> str:
    """The guard, or a run of lost reads, forbids what is expected to pay."""
    account = guard.account(conditions.account)
    return (
        f"{conditions.model.model.name}: a cache write that should pay was held back ({plan.reason}). The bill is "
        f"{thousands(account.extra, signed=True)} input tokens beside one without caching; beyond {share(SHARE)} "
        "of that, "
        f"{thousands(guard.allowance)} may be spent on writes that are never read, plans in flight included."
    )


def paused(conditions: Conditions, trust: Trust) -> str:
    """The notice that reads in a row did not come, so that writing pauses."""
    return (
        f"{conditions.model.model.name}: {trust.run} reads in a row of entries that were confirmed did not come; "
        "nothing is written for some minutes. Requests that change in front of the point, or a profile whose Regions "
        "do not share entries, look like this: `rockbottom explain` on the invocation log tells them apart."
    )


def uninsured(conditions: Conditions) -> str:
    """The notice that tail insurance did not work and is switched off."""
    return (
        f"{conditions.model.model.name}: tail insurance is switched off. {MISSES_UNTIL_OFF} times in a row a prefix "
        "that a one-hour tail should have kept was not read. `rockbottom probe --only entry_lifetime --only "
        "ttl_in_key` measures it again."
    )


def changes(conditions: Conditions, prompt: Prompt, changing: Changing, place: str) -> str:
    """A conversation goes on behind another front."""
    lost = prompt.tokens - prompt.depths[changing.at]
    subject = f"the order at {place}" if changing.reordered else place
    return (
        f"{conditions.model.model.name}: {subject} changes from request to request while the conversation goes on, so "
        f"nothing behind it ({thousands(lost)} tokens) can be read again, and nothing there is written. Fix: "
        "move it behind the "
        "conversation, best into the last user message (`move_volatile=True` does that), or keep it the same."
    )
