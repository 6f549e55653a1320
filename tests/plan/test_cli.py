"""rockbottom plan from the shell."""

import json

from click.testing import CliRunner

from rockbottom.cli.plan import command

REQUEST = {
    "modelId": "global.anthropic.claude-sonnet-4-6",
    "system": [{"text": "policy " * 3000}],
    "toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {}}}}]},
    "messages": [{"role": "user", "content": [{"text": "Where is my order?"}]}],
}


def run(tmp_path, content, *options):
    """One command on a file of this content."""
    path = tmp_path / "request.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return CliRunner().invoke(command, [str(path), "--now", "1795000000", *options])


def test_the_plan_is_explained(tmp_path):
    """Place, TTL, saving and evidence are told."""
    said = run(tmp_path, REQUEST).stdout
    assert "cachePoint after messages[0].content[0], 5m" in said
    assert "expected saving" in said
    assert "comes back within 5 min" in said


def test_json_and_the_applied_request(tmp_path):
    """--json gives the plan, --apply the request with the points in it."""
    plan = json.loads(run(tmp_path, REQUEST, "--json").stdout)
    assert [point["ttl"] for point in plan["points"]] == ["5m"] * len(plan["points"])
    sent = json.loads(run(tmp_path, REQUEST, "--apply").stdout)
    assert sent["messages"][0]["content"][-1] == {"cachePoint": {"type": "default"}}


def test_a_list_of_requests_shows_the_last_with_what_came_before(tmp_path):
    """The second request of a list reads what the first wrote."""
    assert json.loads(run(tmp_path, [REQUEST, REQUEST], "--json").stdout)["read"] > 1024


def test_a_wrong_file_is_one_message(tmp_path):
    """No JSON, no request, no model: exit code 2 and a sentence."""
    for content in ("{", "[]", {"messages": []}):
        done = run(tmp_path, content)
        assert done.exit_code == 2
        assert "Traceback" not in done.output
