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
        f"{conditions.model.model.name}: a cache write that should pay was held back ({plan.reason}). So far the bill "
        f"is {thousands(account.extra, signed=True)} input tokens against one without caching; the guard allows it "
        f"to be {share(SHARE)} and {thousands(guard.allowance)} tokens above, calls under way included."
    )


def paused(conditions: Conditions, trust: Trust) -> str:
    """The notice that reads in a row did not come, so that writing pauses."""
    return (
        f"{conditions.model.model.name}: {trust.run} times in a row an entry that should be there was not read, so "
        "nothing is written for some minutes. Either requests change in front of the cachePoint, or the Regions of the "
        "profile do not share entries: `rockbottom explain` on the invocation log shows which."
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
        f"nothing behind it ({thousands(lost)} tokens) can be read again, and nothing there is written. Fix: move it "
        "behind the conversation, best into the last user message (`move_volatile=True` does that), or keep it the "
        "same."
    )
