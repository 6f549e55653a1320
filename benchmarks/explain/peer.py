"""Asks cachecanary, in its own environment: pairs of requests on stdin as JSON lines, its reasons on stdout.

One line in: ``{"model": ..., "previous": body, "next": body}``. The last line out is the time it took, without
the reading and writing of these lines.
"""

import json
import sys
import time

from cachecanary.diff import explain
from cachecanary.lint import lint
from cachecanary.request import normalize


def main() -> None:
    pairs = [json.loads(line) for line in sys.stdin]
    answers = []
    start = time.perf_counter()
    for pair in pairs:
        one, two = normalize(pair["previous"], pair["models"][0]), normalize(pair["next"], pair["models"][1])
        reasons = [reason.code for reason in explain(one, two)]
        answers.append({"diff": reasons, "lint": [finding.rule for finding in lint(two)]})
    seconds = time.perf_counter() - start
    for answer in answers:
        print(json.dumps(answer))
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
