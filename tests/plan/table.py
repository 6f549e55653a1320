"""Prints what the planner and the fixed rules cost on the made-up workloads and on recorded traffic.

PYTHONPATH=src python -m tests.plan.table A B C ... weka moon star tau livemcp cuad miniswe mix
"""

import sys
import time

from rockbottom.dialects import BodyReader
from rockbottom.plan import Planner
from rockbottom.prompt import Api
from tests.plan import recorded, simulate, traffic

LETTERS = ["A", "A4", "B", "C", "D", "E", "E2", "F", "G", "H", "J"]


def prompts(timed, reader=None):
    reader = reader or BodyReader.of(simulate.CATALOG)
    out = []
    for at, request in timed:
        model = simulate.CATALOG.model(request["modelId"]).model
        out.append((at, request["modelId"], reader.read(request, Api.CONVERSE, model)))
    return out


def main(names, rules=True):
    for name in names:
        seeds = [(0, 1.0), (1, 1.0), (2, 0.6), (3, 3.0)] if name in LETTERS else [(0, 1.0)]
        for seed, scale in seeds:
            stream = prompts(traffic.named(name, seed, scale)) if name in LETTERS else recorded.stream(name)
            began = time.perf_counter()
            bill = simulate.run_planner(stream, Planner())
            spent = time.perf_counter() - began
            fixed = {rule: simulate.run_rule(stream, f).relative for rule, f in simulate.FIXED.items()} if rules else {}
            best = min([*fixed.values(), 1.0])
            said = " ".join(f"{rule} {value:.3f}" for rule, value in fixed.items())
            print(
                f"{name:8} x{scale} n={bill.requests:6} planner {bill.relative:.4f} best {best:.4f} "
                f"({bill.relative - best:+.4f}, x{bill.relative / best:.3f}) worst {bill.worst / 1000:7.1f}k "
                f"refused {bill.refused} {1000 * spent / bill.requests:.2f} ms/req | {said}",
                flush=True,
            )


if __name__ == "__main__":
    main([a for a in sys.argv[1:] if a[0] != "-"] or LETTERS, rules="-n" not in sys.argv)
