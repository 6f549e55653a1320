"""What was recorded about calls, never their text: append-only lines on disk, and an index of them to ask in SQL."""

from rockbottom.ledger.errors import LedgerError, NoLedger
from rockbottom.ledger.indexing import LedgerIndex
from rockbottom.ledger.places import chosen_folder, default_folder
from rockbottom.ledger.reading import DamagedLine, LedgerReader
from rockbottom.ledger.records import CallRecord, Sink, picousd_of, usd_of_picousd
from rockbottom.ledger.secret import ledger_key
from rockbottom.ledger.writing import LedgerWriter

__all__ = [
    "CallRecord",
    "DamagedLine",
    "LedgerError",
    "LedgerIndex",
    "LedgerReader",
    "LedgerWriter",
    "NoLedger",
    "Sink",
    "chosen_folder",
    "default_folder",
    "ledger_key",
    "picousd_of",
    "usd_of_picousd",
]
