"""What `make demo` prints, put into README.md; with --check, compared with what stands there."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- demo:begin -->", "<!-- demo:end -->"


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
    """The output of the demo, at 80 columns; it draws the page that it names into a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        workload = ROOT / "examples" / "support-agent.yaml"
        page = Path(folder) / "runs" / "demo.html"
        page.parent.mkdir()
        command = [sys.executable, "-m", "rockbottom", "bench", str(workload), "--html", "runs/demo.html"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout


def block_of(output: str) -> str:
    """The output as README shows it."""
    return f"\n```text\n{output.rstrip()}\n```\n"


if __name__ == "__main__":
    sys.exit(main())
