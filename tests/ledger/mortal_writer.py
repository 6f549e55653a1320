"""Records calls without end and says so after each; started by tests that kill it."""

import sys

from rockbottom.ledger import CallRecord, LedgerWriter

folder, name, max_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
most = int(sys.argv[4]) if len(sys.argv) > 4 else 1_000_000
writer = LedgerWriter(folder, max_bytes=max_bytes)
for number in range(most):
    writer.record(CallRecord(float(number), "m", "Converse", input=number, tags={"writer": name, "filler": "x" * 300}))
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()
writer.close()
