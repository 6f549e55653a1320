"""The gateway's ledger on its way to a folder or S3, in a thread of its own: when a volume is closed, and now and then.

A call never waits for it. What cannot be shipped stays in the ledger and is tried again, from seconds to a minute
apart; what a killed gateway left behind is shipped when the next one starts on the same folder.
"""

import logging
import threading
import time
from pathlib import Path

from rockbottom.gateway.configuration import Ship, Upstream
from rockbottom.ledger import NotShipped, Shipper, depot_of, s3_client, volumes_of
from rockbottom.process import Worker

_log = logging.getLogger("rockbottom.gateway")
LOOK_S = 1.0
FIRST_RETRY_S, LONGEST_RETRY_S = 2.0, 60.0
LAST_ROUND_S = 30.0
"""How long the end of the gateway waits for its last round."""


class Shipping:
    """Ships the ledger in a folder until it is stopped, and once more then. Thread-safe; never raises."""

    def __init__(self, folder: Path, ship: Ship, upstream: Upstream) -> None:
        self._folder, self._every_s = folder, ship.every_s
        depot = depot_of(ship.to, lambda: s3_client(upstream.region, upstream.profile))
        self._shipper = Shipper(folder, depot, time.time, delete=ship.delete)
        self._to = ship.to
        self._stopping = threading.Event()
        self._worker = Worker("shipping", self._run)
        self._trouble = ""

    def start(self) -> None:
        """Begin, in a thread."""
        self._worker.start()

    def stop(self) -> None:
        """Ship what is left and end; after half a minute without it."""
        self._stopping.set()
        self._worker.join(LAST_ROUND_S)

    def _run(self) -> None:
        due, retry_s, newest = 0.0, FIRST_RETRY_S, 0
        while True:
            stopping = self._stopping.wait(LOOK_S if due else 0)
            begun = [volume.number for volume in volumes_of(self._folder)][-1:]
            if stopping or time.monotonic() >= due or (begun != [newest] and begun and not self._trouble):
                newest = begun[0] if begun else 0
                shipped = self._round()
                due = time.monotonic() + (self._every_s if shipped else retry_s)
                retry_s = FIRST_RETRY_S if shipped else min(2 * retry_s, LONGEST_RETRY_S)
            if stopping:
                return

    def _round(self) -> bool:
        """Ship what is new; whether all of it went."""
        trouble, fix = "", ""
        try:
            shipment = self._shipper.ship()
        except (NotShipped, OSError) as error:
            trouble, fix = str(error), getattr(error, "fix", None) or ""
        except Exception as error:  # a thread that ends would lose the ledger in silence
            trouble = f"{type(error).__name__}: {error}"
        else:
            if shipment.refused:
                trouble = f"{', '.join(shipment.refused)}: another ledger's file has that name"
                fix = f"{self._folder} was copied with its file `id`; remove that file to ship under a new name"
        if trouble and trouble != self._trouble:
            _log.warning("the ledger is not shipped to %s: %s%s", self._to, trouble, f" ({fix})" if fix else "")
        elif self._trouble and not trouble:
            _log.warning("the ledger is shipped to %s again", self._to)
        self._trouble = trouble
        return not trouble
