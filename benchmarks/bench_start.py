"""How long `rockbottom --help` takes to start, beside an empty Click program in the same run."""

import statistics
import subprocess
import sys
import time

_ROUNDS = 40
_EMPTY = "import click\n@click.group()\ndef root(): 'Nothing.'\nroot(['--help'])"
_PROGRAMS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "an empty Click program --help": [sys.executable, "-c", _EMPTY],
    "rockbottom --help": [sys.executable, "-c", "import sys; from rockbottom.cli import main; main(['--help'])"],
}


def _seconds(argv: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Alternate the programs, so that whatever else the machine does falls on all of them."""
    times: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
    for _ in range(_ROUNDS):
        for name, argv in _PROGRAMS.items():
            times[name].append(_seconds(argv))
    medians = {name: statistics.median(values) for name, values in times.items()}
    empty = medians["an empty Click program --help"]
    print(f"start, median of {_ROUNDS}")
    for name, seconds in medians.items():
        print(f"  {name:32} {seconds * 1000:7.1f} ms   {seconds / empty:5.2f} x empty")


if __name__ == "__main__":
    main()
