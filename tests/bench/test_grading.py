"""Answers graded: by checks, by a judge, from an endpoint that answers as told, and never from the local one."""

import json
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from msgspec import to_builtins

from rockbottom.bench import AwsEndpoint, Grading, InvalidWorkload, SpendLimit, WrongSetting, prepare, resume
from rockbottom.bench.grading.guarded import GuardedChecker
from rockbottom.cli.bench import command
from rockbottom.grading import Check
from rockbottom.rendering import page_of, text_of

MICRO, LITE, PRO = (f"amazon.nova-{name}-v1:0" for name in ("micro", "lite", "pro"))
JUDGE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
TALK = """\
  - turns:
      - user: 'Question {number}: what does Basic cost?'
        grade:
          - contains: 12
          - numeric: 12
"""
HEAD = "name: Prices\nsystem: You know the prices.\nlanes: [baseline]\nseconds_between_turns: 0\n"


def _workload(talks, more=""):
    return HEAD + more + "conversations:\n" + "".join(TALK.format(number=number) for number in range(talks))


class Script:
    """An endpoint of Converse that says what a function says; ``asked`` are (model, body) pairs."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model = unquote(self.path.split("/")[2])
                script.asked.append((model, body))
                content = script.answer(model, body)
                reply = json.dumps({
                    "output": {"message": {"role": "assistant", "content": content}},
                    "stopReason": "end_turn", "metrics": {"latencyMs": 5},
                    "usage": {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120},
                }).encode()  # fmt: skip
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def do_GET(self):
                self.send_error(404)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture(scope="module")
def server():
    """One scripted endpoint for all tests."""
    one = Script(None)
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def scripted(monkeypatch, server):
    """Makes it answer as a function says."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def make(answer):
        server.answer, server.asked = answer, []
        return server

    return make


_CLIENTS = {}


def _place(script):
    """The endpoint as AWS, with one client for all tests: making one takes longer than a run."""
    place = AwsEndpoint("us-east-1", endpoint_url=script.url, sleep=lambda seconds: None)
    place._client = _CLIENTS.get(script.url)
    _CLIENTS[script.url] = place.client(0)
    return place


def _number(body):
    text = next(block["text"] for message in body["messages"] for block in message["content"] if "text" in block)
    return int(text.partition("Question ")[2].partition(":")[0])


def _answers(right):
    """Models that answer the first so many questions rightly."""

    def answer(model, body):
        good = _number(body) < right[model]
        return [{"text": "It costs 12 euros." if good else "It costs 13 euros."}]

    return answer


def _bench(script, tmp_path, text, models, grading=None, **options):
    file = tmp_path / "prices.yaml"
    file.write_text(text, encoding="utf-8")
    bench = prepare(file, _place(script), models=models, runs=tmp_path / "runs", **options)
    bench.grade_by(grading or bench.plan.workload.grading)
    return bench


def _graded(bench, **options):
    bench.run()
    bench.vote(**options)
    return to_builtins(bench.document())["grading"]


def test_the_cheapest_model_that_is_surely_over_the_bar_is_named(scripted, tmp_path):
    """60 conversations: Micro 30, Lite 54 (which spans a bar of 90%), Pro all; so Pro, and Lite stays open."""
    script = scripted(_answers({MICRO: 30, LITE: 54, PRO: 60}))
    bench = _bench(script, tmp_path, _workload(60), [MICRO, LITE, PRO], Grading(bar=Decimal("0.9")))
    bench.run()
    document = bench.document()
    models = {one["name"]: one for one in to_builtins(document)["grading"]["models"]}
    assert {name: (one["passed"], one["standing"]) for name, one in models.items()} == {
        "Nova Micro": (30, "under"), "Nova Lite": (54, "not enough to say"), "Nova Pro": (60, "over"),
    }  # fmt: skip
    assert document.grading.verdict.cheapest == "Nova Pro"
    assert [one.name for one in document.grading.verdict.open] == ["Nova Lite"]
    said = text_of(document)
    flat = " ".join(said.split())
    assert "Nova Pro is the cheapest model over the bar of 90%: 60 of 60" in flat
    assert "not enough to say: 54 of 60 passed, and 80%–95% spans the bar" in flat
    assert max(len(line) for line in said.splitlines()) <= 80
    assert "<circle" in page_of(document)


def test_a_judge_votes_once_and_its_votes_are_kept(scripted, tmp_path):
    """Graded again, nothing is asked; with another rubric only the judge is."""

    def answer(model, body):
        if model == JUDGE:
            return [{"toolUse": {"toolUseId": "t", "name": "grade", "input": {"reason": "-", "criterion_1": 5}}}]
        return [{"text": "It costs 12 euros."}]

    script = scripted(answer)
    grading = Grading(judge=JUDGE, criteria=("It is right.",), votes=3)
    bench = _bench(script, tmp_path, _workload(2), [MICRO], grading)
    assert bench.judge.estimate().votes == 6
    found = _graded(bench)
    assert found["models"][0]["votes"]["rubric"] == {"votes": 6, "invalid": 0}
    assert found["judge"]["votes"] == 6
    # 6 votes of 100 in and 20 out at $1.10 / $5.50 a million (us. profile of Claude Haiku 4.5)
    assert Decimal(found["judge"]["usd"]) == 6 * (100 * Decimal("1.1") + 20 * Decimal("5.5")) / 1_000_000
    assert found["judge"]["rubric"]["agreement"] == 1
    asked = len(script.asked)
    again = resume(bench.notebook.folder, _place(script))
    again.grade_by(grading)
    assert again.judge.estimate().votes == 0
    assert _graded(again) == found
    assert len(script.asked) == asked
    other = resume(bench.notebook.folder, _place(script))
    other.grade_by(Grading(judge=JUDGE, criteria=("It is polite.",), votes=1))
    _graded(other)
    assert [model for model, _ in script.asked[asked:]] == [JUDGE, JUDGE]


def test_the_kept_votes_hold_no_text(scripted, tmp_path):
    """Neither the judge's reasons nor the answers."""

    def answer(model, body):
        if model == JUDGE:
            return [{"toolUse": {"toolUseId": "t", "name": "grade", "input": {"reason": "SECRET", "criterion_1": 5}}}]
        return [{"text": "It costs 12 euros."}]

    bench = _bench(scripted(answer), tmp_path, _workload(1), [MICRO], Grading(judge=JUDGE, criteria=("Right.",)))
    _graded(bench)
    kept = (bench.notebook.folder / "grades.jsonl").read_text()
    assert "SECRET" not in kept
    assert "euros" not in kept


def test_pairs_show_what_the_order_does(scripted, tmp_path):
    """A judge that always takes the first: every pair of votes flips, and the candidate counts as not worse."""

    def answer(model, body):
        if model == JUDGE:
            return [{"toolUse": {"toolUseId": "t", "name": "grade", "input": {"reason": "-", "better": "first"}}}]
        return [{"text": "It costs 12 euros."}]

    grading = Grading(judge=JUDGE, reference=PRO, votes=3)  # made even: both orders as often
    found = _graded(_bench(scripted(answer), tmp_path, _workload(2), [MICRO, PRO], grading))
    pair = found["judge"]["pair"]
    assert (pair["first_preferred"], pair["decided"]) == (8, 8)
    assert (pair["flipped"], pair["swapped_pairs"]) == (4, 4)
    assert pair["agreement"] == pytest.approx(1 / 3)  # of four votes two and two: 2 of 6 pairs alike
    micro, pro = found["models"]
    assert micro["votes"]["pair"] == {"votes": 8, "invalid": 0, "better": 4, "same": 0, "worse": 4}
    assert pro["votes"] == {}


def test_invalid_votes_are_counted_and_decide_nothing(scripted, tmp_path):
    """A judge that writes its grade into its text has not voted."""

    def answer(model, body):
        return [{"text": "criterion_1: 5" if model == JUDGE else "It costs 12 euros."}]

    grading = Grading(bar=Decimal("0.5"), judge=JUDGE, criteria=("Right.",))
    found = _graded(_bench(scripted(answer), tmp_path, _workload(2), [MICRO], grading))
    (model,) = found["models"]
    assert model["votes"]["rubric"] == {"votes": 6, "invalid": 6}
    assert (model["share"], model["undecided"]) == (None, 2)
    assert found["verdict"]["cheapest"] is None


def test_a_judge_that_judges_itself_says_so(scripted, tmp_path):
    """By whatever id it was given."""

    def answer(model, body):
        if "toolConfig" in body:
            return [{"toolUse": {"toolUseId": "t", "name": "grade", "input": {"reason": "-", "criterion_1": 5}}}]
        return [{"text": "It costs 12 euros."}]

    grading = Grading(judge="us.amazon.nova-micro-v1:0", criteria=("Right.",), votes=1)
    bench = _bench(scripted(answer), tmp_path, _workload(1), [MICRO], grading)
    found = _graded(bench)
    assert found["judge"]["judges_itself"]
    assert "judges its own answers" in text_of(bench.document())


def test_the_limit_on_spending_holds_for_the_judge(scripted, tmp_path):
    """It stops before the vote that could exceed it; what the run itself cost counts."""
    script = scripted(_answers({MICRO: 9}))
    bench = _bench(script, tmp_path, _workload(1), [MICRO], Grading(judge=JUDGE, criteria=("Right.",)))
    bench.run()
    with pytest.raises(SpendLimit, match="judge stopped"):
        bench.vote(max_usd=Decimal("0.0001"))
    assert all(model == MICRO for model, _ in script.asked)


def test_checks_may_change_after_a_run(scripted, tmp_path):
    """Its answers are graded again and nothing is sent; a changed question is another workload."""
    script = scripted(_answers({MICRO: 9}))
    bench = _bench(script, tmp_path, _workload(2), [MICRO])
    assert _graded(bench)["models"][0]["passed"] == 2
    asked, file = len(script.asked), tmp_path / "prices.yaml"
    file.write_text(_workload(2).replace("contains: 12", "contains: 13"), encoding="utf-8")
    again = resume(bench.notebook.folder, _place(script))
    again.grade_by(again.plan.workload.grading)
    assert _graded(again)["models"][0]["passed"] == 0
    assert len(script.asked) == asked


def test_nothing_about_quality_comes_from_the_local_endpoint(bench_of):
    """Not a share, not a count of what passed: only that the graders ran."""
    text = _workload(3, f"grading: {{bar: 0.5, judge: {{model: '{JUDGE}', criteria: [It is right.]}}}}\n")
    bench = bench_of(text, models=[MICRO, LITE])
    bench.grade_by(bench.plan.workload.grading)
    bench.run()
    bench.vote()
    document = bench.document()
    assert to_builtins(document.grading) == {
        "simulated": True, "says": "simulated: no statement about quality", "checks_run": 12, "votes_had": 18,
    }  # fmt: skip
    for shown in (text_of(document), page_of(document)):
        assert "simulated: no statement about quality" in shown
        assert not [word for word in ("over the bar", "frontier", "kappa", "passed, with 95%") if word in shown]


def test_the_local_endpoint_is_known_by_its_url_too(endpoint_url, scripted, tmp_path):
    """Given as a private endpoint of AWS, it is still the local one; also when the run is graded later on AWS."""
    file = tmp_path / "prices.yaml"
    file.write_text(_workload(1), encoding="utf-8")
    bench = prepare(file, AwsEndpoint("us-east-1", endpoint_url=endpoint_url), models=[MICRO], runs=tmp_path / "runs")
    bench.grade_by(Grading(bar=Decimal("0.5")))
    assert _graded(bench)["simulated"]
    later = resume(bench.notebook.folder, _place(scripted(_answers({MICRO: 1}))))
    later.grade_by(Grading(bar=Decimal("0.5")))
    assert _graded(later)["simulated"]


def test_an_expression_without_end_is_stopped_and_undecided():
    """(a+)+$ on forty letters takes years; the next check is decided as ever, by a new process."""
    with GuardedChecker(deadline_s=0.3) as checker:
        assert checker.outcome(Check("regex", r"(a+)+$"), "a" * 40 + "!").passed is None
        assert checker.outcome(Check("regex", r"^b$"), "b").passed is True
        slow = {"type": "string", "pattern": r"(a+)+$"}
        assert checker.outcome(Check("json_schema", slow), json.dumps("a" * 40 + "!")).passed is None


@pytest.mark.parametrize(
    ("grade", "says"),
    [
        ("[{regex: '('}]", "not a regular expression"),
        ("[{contain: x}]", "did you mean 'contains'"),
        ("[{json_schema: {type: strng}}]", "not a JSON schema"),
        ("[{json_schema: {file: none.json}}]", "cannot read"),
    ],
)
def test_a_check_that_cannot_be_made_stops_the_run_before_it_begins(bench_of, grade, says):
    """With its place in the file."""
    text = HEAD + f"conversations:\n- turns:\n  - {{user: Hello, grade: {grade}}}\n"
    with pytest.raises(InvalidWorkload, match=says):
        bench_of(text, models=[MICRO]).grade_by(Grading())


def test_a_workload_that_says_nothing_of_quality_cannot_be_graded(bench_of):
    """And a judge without anything to judge by is refused before it costs anything."""
    bench = bench_of(HEAD + "conversations:\n- turns:\n  - user: Hello\n", models=[MICRO])
    with pytest.raises(WrongSetting, match="does not say how to grade"):
        bench.grade_by(Grading())
    with pytest.raises(WrongSetting, match="nothing for it to judge"):
        bench.grade_by(Grading(judge=JUDGE))
    with pytest.raises(WrongSetting, match="not one of the models"):
        bench.grade_by(Grading(judge=JUDGE, reference=PRO))


def test_the_command_asks_before_the_judge_is_paid(scripted, tmp_path):
    """Without a terminal and --yes it sends nothing and says what the votes would cost."""
    script = scripted(_answers({MICRO: 9}))
    file = tmp_path / "prices.yaml"
    file.write_text(_workload(1), encoding="utf-8")
    args = [
        str(file), "--models", f"{MICRO},{LITE}", "--judge", JUDGE, "--reference", LITE, "--bar", "50%",
        "--endpoint", "aws", "--region", "us-east-1", "--endpoint-url", script.url, "--runs", str(tmp_path / "runs"),
    ]  # fmt: skip
    refused = CliRunner().invoke(command, args)
    assert refused.exit_code == 2
    assert "votes 4 times: about $" in refused.stderr
    assert script.asked == []
    script.answer = lambda model, body: (
        [{"toolUse": {"toolUseId": "t", "name": "grade", "input": {"better": "same"}}}]
        if model == JUDGE else [{"text": "It costs 12 euros."}]
    )  # fmt: skip
    agreed = CliRunner().invoke(command, [*args, "--yes"])
    assert agreed.exit_code == 1, agreed.output  # one conversation is not enough for any bar
    assert "not enough to say: 1 of 1 passed" in " ".join(agreed.stdout.split())
