"""rockbottom plan from the shell."""

import json
import re

import pytest
from click.testing import CliRunner

from rockbottom.cli import main
from rockbottom.cli.plan import command

REQUEST = {
    "modelId": "global.anthropic.claude-sonnet-4-6",
    "system": [{"text": "policy " * 3000}],
    "toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {}}}}]},
    "messages": [{"role": "user", "content": [{"text": "Where is my order?"}]}],
}

MORE = [
    {"role": "assistant", "content": [{"text": "On its way. " * 100}]},
    {"role": "user", "content": [{"text": "And the other one? " * 100}]},
]


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


def test_every_number_of_the_text_has_its_field(tmp_path):
    """How far an estimate may be off, the chances of the points, what a token saves that is read, the lifetime."""
    first, plan = (json.loads(run(tmp_path, requests, "--json").stdout) for requests in (REQUEST, [REQUEST, REQUEST]))
    text = " ".join(run(tmp_path, REQUEST).stdout.split())
    assert f"of English prose within {plan['tokens_within']:.0%}" in text
    (point,) = [point for point in first["points"] if point["comes_back_in_5m"] is not None][:1]
    quick, whole = point["comes_back_in_5m"], point["comes_back_in_1h"]
    assert f"within 5 min with {quick:.0%}, within the hour with {whole:.0%}" in text
    assert f"writes {first['written_5m']:,} for {first['usual_ttl']}" in text
    assert f"{plan['read']:,} read x {float(plan['read_saves']):.4f}" in run(tmp_path, [REQUEST, REQUEST]).stdout
    assert plan["implicit"] is None


def test_a_wrong_file_is_one_message(tmp_path):
    """No JSON, no request, no model: exit code 2 and a sentence."""
    for content in ("{", "[]", {"messages": []}):
        done = run(tmp_path, content)
        assert done.exit_code == 2
        assert "Traceback" not in done.output


def test_a_request_that_cannot_be_read_is_an_error(tmp_path, capsys):
    """An unknown model, and a body of no known shape: exit code 2 and nothing on stdout."""
    for content, said in (({"modelId": "x"}, "Unknown model 'x'"), ({**REQUEST, "messages": 7}, "messages")):
        path = tmp_path / "request.json"
        path.write_text(json.dumps(content))
        assert main(["plan", str(path)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert said in err


def test_the_saving_follows_from_what_is_printed(tmp_path):
    """The sum of its lines, each the tokens times what a token saves: chance x worth - writing - caution."""
    said = run(tmp_path, [REQUEST, {**REQUEST, "messages": [*REQUEST["messages"], *MORE]}]).stdout
    total = int(re.search(r"expected saving: ([\d,]+)", said)[1].replace(",", ""))
    read, written = 0, 0.0
    for part, tokens, each in re.findall(r"([\d,]+) = ([\d,]+) read x ([\d.]+)", said):
        read = int(part.replace(",", ""))
        assert abs(read - int(tokens.replace(",", "")) * float(each)) <= 1
    terms = re.findall(
        r"(-?[\d,]+) = ([\d,]+) written for \w+ x (-?[\d.]+); a token: ([\d.]+)% comes back\s+"
        r"x ([\d.]+) saved by its reads - ([\d.]+) to write - ([\d.]+) caution",
        said,
    )
    assert terms
    for part, tokens, each, chance, worth, extra, caution in terms:
        saved = int(part.replace(",", ""))
        assert abs(saved - int(tokens.replace(",", "")) * float(each)) <= 1
        assert abs(float(chance) / 100 * float(worth) - float(extra) - float(caution) - float(each)) < 0.0005
        written += saved
    assert read > 0
    assert abs(total - read - written) <= 2


@pytest.mark.parametrize("text", ["[" * 20_000, "{", "7"])
def test_a_file_that_holds_no_request_is_one_message(tmp_path, text):
    """Nested without end, cut short, or something else: exit code 2 and the name of the file."""
    path = tmp_path / "request.json"
    path.write_text(text)
    done = CliRunner().invoke(command, [str(path)])
    assert done.exit_code == 2
    assert "request.json" in done.output
