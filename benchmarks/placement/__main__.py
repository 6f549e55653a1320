"""Run the placement benchmark: ``python -m benchmarks.placement --help``, from the root of the repository."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.placement import recorded, stress, table
from benchmarks.placement.billing import Engine
from benchmarks.placement.blocks import MODEL
from benchmarks.placement.by_hand import ShapeLine, shape_line, shape_table, shapes_as_json
from benchmarks.placement.environments import peers_of
from benchmarks.placement.implicit_rows import ROWS as GPT_ROWS
from benchmarks.placement.implicit_rows import gpt_line, gpt_table
from benchmarks.placement.lines import PeerRun, SetLine, peer_runs, set_line, workload_lines
from benchmarks.placement.shapes import KINDS
from benchmarks.placement.workloads import MAKERS, PROFILES, SIZES

SHORT_SETS = ("tau", "livemcp", "miniswe", "S_E", "S_F", "ADVERSARY")
ALL_SETS = (*recorded.SETS, *stress.KINDS, "MIX", "ADVERSARY")
ALL_ROWS = (*MAKERS, *ALL_SETS, *KINDS, "shapes", *GPT_ROWS, "gpt", "speed")
_TEXT_SETS = set(recorded.SETS) | {"MIX"}  # those that need the recorded traffic


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.placement", description=__doc__)
    parser.add_argument("--only", default="", metavar="ROWS", help=f"some of {','.join(ALL_ROWS)}")
    parser.add_argument("--sizes", default="default,small,large", help=f"some of {','.join(SIZES)}")
    parser.add_argument("--seeds", type=int, default=2, help="workloads of each row and size")
    parser.add_argument("--set-seed", type=int, default=1, help="of the invented clocks and stress kinds")
    parser.add_argument("--model", default=MODEL, help="whose rules and prices the sets are billed at (%(default)s)")
    parser.add_argument("--no-peers", action="store_true", help="run no peer: take what an earlier run recorded")
    parser.add_argument("--short", action="store_true", help="the default size, one seed, the small sets")
    kept = "environments and recordings (default %(default)s)"
    parser.add_argument("--cache", type=Path, default=_cache(), help=kept)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; tables on stdout, progress on stderr. 0 whatever the figures are."""
    asked = parsed(arguments)
    wanted = [name.strip() for name in asked.only.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in ALL_ROWS]
    if unknown:
        print(f"no row {', '.join(unknown)}; there are {', '.join(ALL_ROWS)}", file=sys.stderr)
        return 2
    sizes = ["default"] if asked.short else [size for size in asked.sizes.split(",") if size in SIZES]
    rows = [row for row in MAKERS if not wanted or row in wanted]
    sets = [name for name in (SHORT_SETS if asked.short and not wanted else ALL_SETS) if not wanted or name in wanted]
    kinds = [name for name in KINDS if not wanted or name in wanted or "shapes" in wanted]
    engine = Engine(PROFILES)
    runs = peer_runs(peers_of(), asked.cache, run=not asked.no_peers) if rows or "speed" in wanted else []
    lines = workload_lines(rows, sizes, 1 if asked.short else asked.seeds, runs, engine, asked.cache) if rows else []
    _say(table.workload_table(lines))
    found = _sets(sets, engine, asked.set_seed, asked.model)
    _say(table.set_table(found))
    shapes = [] if asked.short and not wanted else _shapes(kinds, engine, max(3, asked.seeds), asked.model)
    _say(shape_table(shapes))
    gpt = [row for row in GPT_ROWS if not wanted or row in wanted or "gpt" in wanted]
    _say(gpt_table([gpt_line(row, 1 if asked.short else asked.seeds) for row in gpt]))
    speed: dict[str, Any] = {}
    if not wanted or "speed" in wanted:
        from benchmarks.placement.speed import measured

        speed = measured(_litellm(runs))
        _say(table.speed_table(speed))
    _say(table.notes(lines, found, runs))
    if asked.json:
        figures = {**table.as_json(lines, found, speed, runs), "shapes": shapes_as_json(shapes)}
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _sets(names: Sequence[str], engine: Engine, seed: int, model: str) -> list[SetLine]:
    found: list[SetLine] = []
    for name in names:
        if name in _TEXT_SETS and not recorded.folder().is_dir():
            print(f"{name}: no recorded traffic in {recorded.folder()} (ROCKBOTTOM_DATA); skipped", file=sys.stderr)
            continue
        print(f"{name} ...", file=sys.stderr)
        found.append(set_line(name, engine, seed, model))
    return found


def _shapes(kinds: Sequence[str], engine: Engine, seeds: int, model: str) -> list[ShapeLine]:
    return [shape_line(kind, engine, seeds, model) for kind in kinds]


def _say(lines: Any) -> None:
    told = list(lines)
    if told:
        print("\n".join(told) + "\n", flush=True)


def _litellm(runs: Sequence[PeerRun]) -> Path | None:
    return next((run.python for run in runs if run.peer.name == "litellm"), None)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ROCKBOTTOM_BENCH_CACHE") or Path(home) / "rockbottom-placement")


if __name__ == "__main__":
    sys.exit(main())
