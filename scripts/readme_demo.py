"""What `make demo` prints first, put into README.md; with --check, compared with what stands there.

Sections of the output that README leaves out are marked by a line of three dots. Times are the machine's, so
they are shown as a dash and not compared.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- demo:begin -->", "<!-- demo:end -->"
SHOWN = ("Nova Pro", "Claude Sonnet 5.5")
TIME = re.compile(r"\s+\d+(\s+[\d.]+\s+\S+%\s+(?:hit|miss))$")


def main() -> int:
    """Write the block, or compare it; 1 when README is not what the demo prints."""
    block = block_of(printed())
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    if "--check" not in sys.argv:
        README.write_text(f"{before}{BEGIN}{block}{END}{after}", encoding="utf-8")
        return 0
    if old == block:
        return 0
    sys.stderr.write("README.md does not show what the demo prints: run python scripts/readme_demo.py\n")
    return 1


def printed() -> str:
    """The output of the demo's first command, at 80 columns."""
    with tempfile.TemporaryDirectory() as folder:
        workload = ROOT / "examples" / "support-agent.yaml"
        command = [sys.executable, "-m", "rockbottom", "bench", str(workload), "--runs", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout


def block_of(output: str) -> str:
    """The part of the output that README shows: two models, the comparison, and what is uncertain."""
    paragraphs = output.strip("\n").split("\n\n")
    kept: list[str] = []
    shown = True
    for paragraph in paragraphs:
        head = paragraph.splitlines()[0]
        if "·" in head and "turns" in head:
            shown = head.endswith(SHOWN)
            if not shown and kept[-1] != "...":
                kept.append("...")
        elif head.lstrip().startswith("model "):
            shown = True
        if shown:
            kept.append("\n".join(map(without_time, paragraph.splitlines())))
    return "\n```text\n" + "\n\n".join(kept) + "\n```\n"


def without_time(line: str) -> str:
    """A line of the table of turns with its time replaced; report paths are left out."""
    return "" if line.lstrip().startswith("report ") else TIME.sub(r"  -\1", line)


if __name__ == "__main__":
    sys.exit(main())
