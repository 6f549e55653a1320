"""rockbottom batch on the command line: data on stdout, talk on stderr, exit codes as documented."""

import json
from decimal import Decimal

import pytest

from rockbottom.cli import main


@pytest.fixture
def rockbottom(place, kit, capsys, monkeypatch, tmp_path):
    """Runs a command line in a folder of its own; exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", place.served.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", place.served.s3_url)

    def run(*words):
        try:
            code = main(["batch", *words])
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return code or 0, said.out, said.err

    return run


def file_of(tmp_path, records, name="tickets.jsonl"):
    lines = (json.dumps({"recordId": key, "modelInput": body}) + "\n" for key, body in records)
    (tmp_path / name).write_text("".join(lines))
    return name


def job(kit):
    return ["--model", kit.MODEL, "--bucket", kit.BUCKET, "--role", kit.ROLE, "--region", "us-east-1"]


def test_run_prints_the_estimate_first_and_then_what_came_of_it(rockbottom, kit, tmp_path):
    """Estimate on stderr, outcome on stdout, 80 columns, exit 0; the same again sends nothing."""
    name = file_of(tmp_path, kit.pairs(120))
    code, out, err = rockbottom("run", name, *job(kit), "--every", "0.05")
    assert code == 0
    assert "120 of 120 records answered" in out
    assert "on demand, cached" in err
    assert "Batch is the cheapest of these." in out
    again, _, err = rockbottom("run", name, *job(kit), "--every", "0.05")
    assert again == 0
    assert "job " not in err


def test_without_a_bucket_it_says_what_each_way_costs_and_what_a_job_needs(rockbottom, kit, tmp_path):
    """Whoever has to decide has no bucket yet: the estimate is the answer, nothing is sent and nothing is kept."""
    asked = ["run", file_of(tmp_path, kit.pairs(120)), "--model", kit.MODEL, "--region", "us-east-1"]
    code, out, err = rockbottom(*asked)
    assert code == 0
    assert out.startswith("Batch is the cheapest of these.\n\nestimate: 120 records, ")
    assert err.startswith("nothing was sent: a job needs --bucket and --role, which rockbottom batch setup makes")
    code, out, _ = rockbottom(*asked, "--json")
    answer = json.loads(out)
    assert (code, answer["records"], answer["sent"], answer["cheapest"]) == (0, 120, "nothing", "batch")
    assert Decimal(answer["usd"]["batch"]) * 2 == Decimal(answer["usd"]["onDemand"])
    assert not (tmp_path / ".rockbottom").exists()


def test_half_of_what_a_job_needs_is_a_mistake(rockbottom, kit, tmp_path):
    """Who names a bucket means to send: exit 2, and the other half is named."""
    name = file_of(tmp_path, kit.pairs(120))
    code, out, err = rockbottom("run", name, "--model", kit.MODEL, "--region", "us-east-1", "--bucket", kit.BUCKET)
    assert (code, out) == (2, "")
    assert "nothing was sent: a job needs --bucket and --role" in err


def test_what_is_known_of_jobs_is_printed_also_when_waiting_ends_before_them(rockbottom, place, kit, tmp_path):
    """Exit 4 with the document: a script reads it whatever the code says."""
    place.control("PUT", "jobs/pace", {"validating": 3600, "scheduled": 3600})
    code, out, _ = rockbottom(
        "run", file_of(tmp_path, kit.pairs(100)), *job(kit), "--every", "0.05", "--within", "0", "--json"
    )
    assert code == 4
    assert [job["records"] for job in json.loads(out)["jobs"]] == [100]


def test_a_job_on_a_model_that_ends_says_so_with_the_estimate(rockbottom, kit, tmp_path):
    """DeepSeek-V3.1 ends on 2027-03-30 (its card of 2026-10-08)."""
    name = file_of(tmp_path, kit.pairs(120))
    where = ["--bucket", kit.BUCKET, "--role", kit.ROLE, "--region", "us-west-2"]
    _, _, err = rockbottom("run", name, "--model", "deepseek.v3-v1:0", *where, "--on", "2026-11-29", "--every", "0.05")
    assert "note: DeepSeek V3.1 ends 2027-03-30" in err


def test_submit_status_wait_collect_and_list_go_hand_in_hand(rockbottom, kit, tmp_path):
    """Each takes up where the one before left off."""
    name = file_of(tmp_path, kit.pairs(100))
    code, out, _ = rockbottom("submit", name, *job(kit), "--name", "night", "--json")
    assert (code, json.loads(out)["jobs"][0]["status"]) == (0, "Submitted")
    assert rockbottom("wait", "night", "--every", "0.05")[0] == 0
    code, out, _ = rockbottom("status", "night")
    assert (code, "Completed" in out) == (0, True)
    code, out, _ = rockbottom("collect", "night", "--json")
    assert (code, json.loads(out)["answered"]) == (0, 100)
    code, out, _ = rockbottom("list", "--json")
    assert json.loads(out)[0]["finished"]["answered"] == 100


def test_refused_records_are_a_usage_error_and_nothing_is_sent(rockbottom, place, kit, tmp_path):
    """Exit 2, the line and the member; with --strip-cache-points the cachePoints are no obstacle."""
    records = kit.pairs(100)
    records[6][1]["messages"][0]["content"].append({"cachePoint": {"type": "default"}})
    name = file_of(tmp_path, records)
    code, out, err = rockbottom("run", name, *job(kit))
    assert (code, out) == (2, "")
    assert "line 7 (T00006), modelInput.messages.0.content.1.cachePoint" in err
    assert "--strip-cache-points" in err
    assert place.jobs == []
    assert rockbottom("run", name, *job(kit), "--every", "0.05", "--strip-cache-points")[0] == 0


def test_money_is_not_spent_without_a_yes(rockbottom, kit, tmp_path, monkeypatch):
    """Away from the local endpoint, without a terminal and without --yes: exit 2 after the estimate."""
    name = file_of(tmp_path, kit.pairs(100))
    monkeypatch.delenv("AWS_ENDPOINT_URL_BEDROCK")
    code, _, err = rockbottom("run", name, *job(kit), "--endpoint-url", "https://bedrock.example.invalid")
    assert code == 2
    assert "add --yes" in err
    assert "on demand" in err


def test_a_run_that_is_not_whole_ends_with_4(rockbottom, place, kit, tmp_path):
    """Ten refused records: the outcome is printed, and the exit code says partial."""
    place.control("POST", "jobs/faults", {"kind": "records", "every": 10, "code": 400, "retryable": False})
    code, out, _ = rockbottom("run", file_of(tmp_path, kit.pairs(100)), *job(kit), "--every", "0.05")
    assert code == 4
    assert "90 of 100 records answered" in out
    assert "left.jsonl" in out


def test_a_failed_job_ends_with_4_and_the_doctor(rockbottom, place, kit, tmp_path):
    """No traceback; the job's message and the next command."""
    place.control("POST", "jobs/faults", {"kind": "fail", "message": "no trust"})
    code, _, err = rockbottom("run", file_of(tmp_path, kit.pairs(100)), *job(kit), "--name", "f", "--every", "0.05")
    assert code == 4
    assert "no trust" in err
    assert "rockbottom batch doctor --run f" in err


def test_an_unknown_run_is_named_with_those_there_are(rockbottom):
    """Exit 2 and the list command."""
    code, _, err = rockbottom("status", "nobody")
    assert code == 2
    assert "rockbottom batch list" in err


def test_setup_prints_without_an_account(rockbottom, kit):
    """With --account nothing is asked of AWS, and nothing is made."""
    code, out, err = rockbottom(
        "setup", "--model", kit.MODEL, "--bucket", "b-one", "--account", "111122223333", "--region", "us-east-1"
    )
    assert code == 0
    assert json.loads(out)["role"] == "arn:aws:iam::111122223333:role/rockbottom-batch"
    assert "Nothing was created" in err


WORKLOAD = """\
name: night shift
system: You answer politely.
models: [anthropic.claude-haiku-4-5]
conversations:
"""


def test_a_workload_file_becomes_one_record_a_turn(rockbottom, kit, tmp_path):
    """60 conversations of two turns: 120 records, the second with the answer before it."""
    pytest.importorskip("yaml", reason="needs pyyaml: make setup")
    turns = "".join(
        f"  - turns:\n    - user: 'Question {number}?'\n      answer: 'Answer.'\n    - user: 'And then?'\n"
        for number in range(60)
    )
    (tmp_path / "night.yaml").write_text(WORKLOAD + turns)
    code, out, err = rockbottom("run", "night.yaml", *job(kit), "--every", "0.05")
    assert code == 0, err
    assert "120 of 120 records answered" in out
    rows = (tmp_path / ".rockbottom/batch/night/records-1.jsonl").read_text().splitlines()
    assert len(json.loads(rows[1])["modelInput"]["messages"]) == 3


def test_a_temperature_that_the_model_does_not_take_is_told(rockbottom, kit, tmp_path):
    """Claude Opus 4.7 refuses one, Claude Haiku 4.5 takes it."""
    pytest.importorskip("yaml", reason="needs pyyaml: make setup")
    turns = "".join(f"  - turns:\n    - user: 'Question {number}?'\n" for number in range(100))
    for name, model, sent in (("opus", "us.anthropic.claude-opus-4-7", None), ("haiku", kit.MODEL, 0.2)):
        (tmp_path / f"{name}.yaml").write_text("inference: {temperature: 0.2}\n" + WORKLOAD + turns)
        _, _, err = rockbottom("run", f"{name}.yaml", *job(kit), "--model", model, "--every", "0.05")
        assert (f"{model} takes no temperature" in " ".join(err.split())) is (sent is None)
        rows = (tmp_path / f".rockbottom/batch/{name}/records-1.jsonl").read_text().splitlines()
        assert json.loads(rows[0])["modelInput"]["inferenceConfig"].get("temperature") == sent


def test_a_workload_whose_answers_are_unknown_is_refused(rockbottom, kit, tmp_path):
    """Batch answers all at once, so a second turn needs the first's answer written down."""
    pytest.importorskip("yaml", reason="needs pyyaml: make setup")
    (tmp_path / "night.yaml").write_text(WORKLOAD + "  - turns:\n    - user: 'One?'\n    - user: 'Two?'\n")
    code, _, err = rockbottom("run", "night.yaml", *job(kit))
    assert code == 2
    assert "turn 1" in err


@pytest.mark.parametrize(
    "harm", [b"\0\0\0\0", b'{"event": "ended", "attempt": 9, "job": 1}', b"[1]", b'{"event": "gone"}']
)
def test_a_damaged_journal_hides_no_other_run(rockbottom, kit, tmp_path, harm):
    """The damaged one is named with its file and line; the others are listed, and are worked on."""
    name = file_of(tmp_path, kit.pairs(100))
    for run in ("good", "bad"):
        assert rockbottom("run", name, *job(kit), "--name", run, "--every", "0.05")[0] == 0
    journal = tmp_path / ".rockbottom/batch/bad/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], harm + b"\n", *lines[3:]]))
    code, out, err = rockbottom("list", "--json")
    assert (code, [run["name"] for run in json.loads(out)]) == (0, ["good"])
    assert "bad/journal.jsonl, line 3" in err
    assert rockbottom("status", "good")[0] == 0
    code, _, err = rockbottom("status", "bad")
    assert (code, "bad/journal.jsonl, line 3" in err) == (2, True)


def test_records_that_cannot_be_counted_are_not_sent(rockbottom, place, kit, tmp_path):
    """A body that no reader of this model reads: no estimate, so --max-usd has nothing to hold, and nothing is sent."""
    native = [(f"r{n}", {"prompt": "Hi", "max_gen_len": 9}) for n in range(100)]
    words = ["--model", "us.meta.llama3-3-70b-instruct-v1:0", *job(kit)[2:], "--type", "InvokeModel", "--max-usd", "1"]
    code, out, err = rockbottom("run", file_of(tmp_path, native), *words)
    assert (code, out) == (2, "")
    assert "100 of 100 records cannot be counted" in err
    assert "--type Converse" in err
    assert place.jobs == []


def test_a_local_bedrock_never_leads_to_the_s3_of_aws(rockbottom, kit, tmp_path, monkeypatch):
    """Without an S3 of its own the command stops before anything is built, and names the option."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    code, _, err = rockbottom("run", file_of(tmp_path, kit.pairs(100)), *job(kit))
    assert code == 2
    assert "--s3-endpoint-url" in err
    assert not list((tmp_path / ".rockbottom/batch").glob("*"))
