"""Workflows, issue forms and the action are what the forge takes, and nothing that they use can be replaced."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("check_jsonschema", reason="the tools of deploy/ are not installed here: make deploy runs this")

REPO = Path(__file__).resolve().parents[2]
FILES = {
    ".github/workflows/ci.yml": "vendor.github-workflows",
    "examples/github-action/prompts.yml": "vendor.github-workflows",
    "action.yml": "vendor.github-actions",
    ".github/ISSUE_TEMPLATE/bug.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/wrong-figure.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
}


@pytest.mark.parametrize(("name", "schema"), FILES.items())
def test_the_forge_takes_it(name, schema):
    """By the schema of its kind."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    found = subprocess.run(
        [checker, "--builtin-schema", schema, REPO / name], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("name", [name for name in FILES if "ISSUE" not in name])
def test_what_is_used_is_a_commit(name):
    """A branch or a tag may move, and a bare name may be anybody's."""
    text = (REPO / name).read_text()
    used = re.findall(r"^\s*- uses: \S+@(\S+)", text, re.M)
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit in used)
    assert not re.search(r"pip install [^&\n]*\brockbottom\b(?!\.txt)", text)


def test_the_action_installs_pins_that_are_there():
    """With their hashes, from the folder of the action itself."""
    text = (REPO / "action.yml").read_text()
    (pins,) = re.findall(r'--require-hashes -r "\$SOURCE/(\S+)"', text)
    assert "--hash=sha256:" in (REPO / pins).read_text()
