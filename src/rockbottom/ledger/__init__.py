"""What was recorded about calls, never their text: append-only lines on disk."""

from typing import TYPE_CHECKING

from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.ledger.depots import FolderDepot, S3Depot, depot_of, is_s3, s3_client
    from rockbottom.ledger.errors import LedgerError, NoLedger, NotShipped
    from rockbottom.ledger.following import Follower
    from rockbottom.ledger.joining import joined
    from rockbottom.ledger.lines import START, Found, found_in
    from rockbottom.ledger.places import (
        NOTES,
        Volume,
        chosen_folder,
        default_folder,
        identity_of,
        is_ledger,
        is_volume,
        ledgers_in,
        volumes_of,
    )
    from rockbottom.ledger.reading import LedgerReader
    from rockbottom.ledger.records import LARGEST_COUNT, OLD_FAMILY, CallRecord, Sink, picousd_of, usd_of_picousd
    from rockbottom.ledger.secret import ledger_key
    from rockbottom.ledger.shipping import Shipper, ledger_id
    from rockbottom.ledger.trimming import notes_of, trim
    from rockbottom.ledger.writing import LedgerWriter

__all__ = [
    "LARGEST_COUNT",
    "NOTES",
    "OLD_FAMILY",
    "START",
    "CallRecord",
    "FolderDepot",
    "Follower",
    "Found",
    "LedgerError",
    "LedgerReader",
    "LedgerWriter",
    "NoLedger",
    "NotShipped",
    "S3Depot",
    "Shipper",
    "Sink",
    "Volume",
    "chosen_folder",
    "default_folder",
    "depot_of",
    "found_in",
    "identity_of",
    "is_ledger",
    "is_s3",
    "is_volume",
    "joined",
    "ledger_id",
    "ledger_key",
    "ledgers_in",
    "notes_of",
    "picousd_of",
    "s3_client",
    "trim",
    "usd_of_picousd",
    "volumes_of",
]

# The module of each name, imported when it is first asked for: a line for a prompt needs a folder and no decoder.
_HOMES = {
    "depots": "FolderDepot S3Depot depot_of is_s3 s3_client",
    "errors": "LedgerError NoLedger NotShipped",
    "following": "Follower",
    "joining": "joined",
    "lines": "START Found found_in",
    "places": "NOTES Volume chosen_folder default_folder identity_of is_ledger is_volume ledgers_in volumes_of",
    "reading": "LedgerReader",
    "records": "LARGEST_COUNT OLD_FAMILY CallRecord Sink picousd_of usd_of_picousd",
    "secret": "ledger_key",
    "shipping": "Shipper ledger_id",
    "trimming": "notes_of trim",
    "writing": "LedgerWriter",
}

__getattr__ = late(__name__, _HOMES)
