"""Pinned prefixes: what a prompt's cached prefix was, whether it still is, and what the change costs.

A pin holds hashes and tokens, no text. ``rockbottom check`` and the pytest plugin stand on this package; nothing is
imported before it is asked for, because every run of pytest loads the plugin.
"""

from typing import TYPE_CHECKING

from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.pins.bills import ConversationBill, ConversationLimits, dollars, observed_bill, simulated_bill
    from rockbottom.pins.changes import Change, Moved
    from rockbottom.pins.checking import Gate, PinCheck, PinStatus
    from rockbottom.pins.effects import Effect
    from rockbottom.pins.errors import NotRendered
    from rockbottom.pins.pin import Pin
    from rockbottom.pins.pin_file import nearest_file, read_pins, update_pins
    from rockbottom.pins.prefix import archive_of, read_prefix
    from rockbottom.pins.rendering import Rendering, rendered_all, seen_from
    from rockbottom.pins.results import check_result

__all__ = [
    "Change",
    "ConversationBill",
    "ConversationLimits",
    "Effect",
    "Gate",
    "Moved",
    "NotRendered",
    "Pin",
    "PinCheck",
    "PinStatus",
    "Rendering",
    "archive_of",
    "check_result",
    "dollars",
    "nearest_file",
    "observed_bill",
    "read_pins",
    "read_prefix",
    "rendered_all",
    "seen_from",
    "simulated_bill",
    "update_pins",
]

_HOMES = {
    "results": "check_result",
    "bills": "dollars observed_bill ConversationBill ConversationLimits simulated_bill",
    "changes": "Change Moved",
    "effects": "Effect",
    "errors": "NotRendered",
    "pin_file": "nearest_file read_pins update_pins",
    "prefix": "archive_of read_prefix",
    "rendering": "rendered_all seen_from Rendering",
    "checking": "Gate PinStatus PinCheck",
    "pin": "Pin",
}

__getattr__ = late(__name__, _HOMES)
