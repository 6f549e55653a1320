"""``share=``: an attachment that learns, and spends its allowance and budgets, with those on other machines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rockbottom.client.arguments import Arguments
from rockbottom.client.attachment import Attachment
from rockbottom.client.errors import NotAttachable

if TYPE_CHECKING:
    from rockbottom.sharing import StoreAddress


def shared_address(arguments: Arguments, env: Mapping[str, str]) -> "StoreAddress | None":
    """Where those who share meet. Raises NotAttachable, and BadAddress for what is no address."""
    if arguments.share is None:
        return None
    beside = {"planner": arguments.planner, "state": arguments.state, "dry_run": arguments.dry_run or None}
    conflicting = [name for name, value in beside.items() if value is not None]
    if conflicting:
        raise NotAttachable(
            f"share= learns with others, by what is really sent, in a planner of its own; "
            f"{conflicting[0]}= is given too.",
            fix=f"attach with share= and without {conflicting[0]}=",
        )
    from rockbottom.sharing import address_of  # with the planner the heaviest part; not needed by who shares nothing

    return address_of(arguments.share, env)


def join(attachment: Attachment, address: "StoreAddress", region: str | None, kind: str = "keep") -> None:
    """Share with those of the same group, Region and ``kind`` of planner from now on; returns at once."""
    from rockbottom.sharing import member_of

    scope = f"{region or 'any'}:{kind}"
    member = member_of(
        address,
        scope,
        attachment.planner,
        lambda text: attachment.talk.say([text]),
        claiming=attachment.options.hold_s > 0,
        clock=attachment.clock,
    )
    attachment.tower.beyond = member
    lend(attachment)


def lend(attachment: Attachment) -> None:
    """Have its budget spend from leases, where it shares and the budget can."""
    beyond, give = attachment.tower.beyond, getattr(attachment.budget, "lend", None)
    if beyond is not None and give is not None:
        give(beyond.money)
