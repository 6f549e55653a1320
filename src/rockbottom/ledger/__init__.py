"""What was recorded about calls, never their text: append-only lines on disk."""

from rockbottom.ledger.errors import LedgerError, NoLedger
from rockbottom.ledger.following import Follower
from rockbottom.ledger.lines import START, Found, found_in
from rockbottom.ledger.places import Volume, chosen_folder, default_folder, identity_of, is_ledger, volumes_of
from rockbottom.ledger.reading import DamagedLine, LedgerReader
from rockbottom.ledger.records import LARGEST_COUNT, OLD_FAMILY, CallRecord, Sink, picousd_of, usd_of_picousd
from rockbottom.ledger.secret import ledger_key
from rockbottom.ledger.trimming import notes_of, trim
from rockbottom.ledger.writing import LedgerWriter

__all__ = [
    "LARGEST_COUNT",
    "OLD_FAMILY",
    "START",
    "CallRecord",
    "DamagedLine",
    "Follower",
    "Found",
    "LedgerError",
    "LedgerReader",
    "LedgerWriter",
    "NoLedger",
    "Sink",
    "Volume",
    "chosen_folder",
    "default_folder",
    "found_in",
    "identity_of",
    "is_ledger",
    "ledger_key",
    "notes_of",
    "picousd_of",
    "trim",
    "usd_of_picousd",
    "volumes_of",
]
