"""Advice on logs: what replay and advise say that attach would save is what it saves on the same traffic."""

import json
from decimal import Decimal

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from tests.replay.attached import (
    HAIKU,
    NOVA,
    SONNET,
    attached_usd,
    conversations,
    documents_with_questions,
    herd,
    logged,
    three_apps,
    write_log,
)

ON = ["--on", "2026-11-01"]


@pytest.fixture(scope="module", params=[documents_with_questions, three_apps, herd], ids=["rag", "three apps", "herd"])
def log(request, tmp_path_factory):
    """A log, and the bill of attach on its traffic."""
    requests = list(request.param())
    counts, spent = attached_usd(requests, load_catalog())
    return write_log(tmp_path_factory.mktemp("log") / "log.jsonl", requests, counts), spent


def answered(capsys, *arguments):
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_replay_explain_and_advise_name_what_attach_then_saves(log, capsys):
    """Within three percent of the saving; outputs and prices are the same in all."""
    path, spent = log
    replayed = answered(capsys, "replay", path, *ON)["answer"]
    advised = answered(capsys, "advise", path, *ON)
    paid = Decimal(replayed["paid_usd"])
    assert replayed["counted"]
    assert Decimal(advised["today_usd"]) == paid
    explained = answered(capsys, "explain", path)
    assert Decimal(explained["paid_usd"]) == paid
    tried = explained["attached"]
    planner = next(row for row in advised["levers"] if row["lever"] == "rockbottom attached")
    for saved in (
        paid - Decimal(replayed["attached_usd"]), Decimal(planner["saves_alone_usd"]),
        Decimal(tried["usd_before"]) - Decimal(tried["usd_after"]),
    ):  # fmt: skip
        assert abs(saved - (paid - spent)) <= (paid - spent) * Decimal("0.03")
    assert advised["next"]["lever"] == "rockbottom attached"


@pytest.fixture(scope="module")
def apps(tmp_path_factory):
    """The log of three apps, and two calls of an embedding model that the catalogue has no rules for."""
    requests = three_apps()
    counts, _ = attached_usd(requests, load_catalog())
    path = write_log(tmp_path_factory.mktemp("apps") / "log.jsonl", requests, counts)
    alien = [sent._replace(model="acme.embed-v1") for sent in requests[:2]]
    with path.open("a") as file:
        file.writelines(logged(sent, 100, 9000 + number) + "\n" for number, sent in enumerate(alien))
    return path


def test_models_of_one_log_are_advised_on_apart_and_together(apps, capsys):
    """The bills of three models add up; what is not known is counted and named."""
    advised = answered(capsys, "advise", apps, *ON)
    assert sorted(model["model"] for model in advised["models"]) == sorted([SONNET, HAIKU, NOVA])
    for name in ("today_usd", "after_usd"):
        assert Decimal(advised[name]) == sum(Decimal(model[name]) for model in advised["models"])
    planner = next(row for row in advised["levers"] if row["lever"] == "rockbottom attached")
    assert planner["pulled_for"] == 3
    assert [(part["model"], part["requests"]) for part in advised["set_apart"]] == [("acme.embed-v1", 2)]
    assert main(["advise", str(apps), *ON, "--strict"]) == 2


def test_the_first_line_is_what_to_do_next(apps, capsys):
    """And an hour and a half is said to be too short for a month, so no month is said."""
    assert main(["advise", str(apps), *ON]) == 0
    text = capsys.readouterr().out
    assert text.split("\n")[0].startswith(" Next: rockbottom.attach(client) in the program that sends it: $")
    assert "Too short for a" in text
    assert "a month " not in text.replace("for a month", "")


def test_recorded_requests_can_be_routed_by_a_rule(apps, capsys):
    """A question to the user with the command that answers it; a shape without recorded requests has no such row."""
    recorded = answered(capsys, "advise", apps, *ON, "--only-model", "haiku-4-5")["models"][0]
    [row] = [row for row in recorded["levers"] if row["lever"] == "prompt routing"]
    assert (row["status"], row["how"]) == ("ask", "rockbottom route LOGS --to 'MODEL if input<2000 and tools=0'")
    shape = answered(capsys, "advise", "nova-pro", "--preset", "one-off")
    assert "prompt routing" not in {row["lever"] for row in shape["levers"]}


def test_only_some_of_the_traffic_or_all_of_it_as_another_model(apps, capsys):
    """``--only-model`` filters: 60 requests. ``--as-model`` prices all 278 at one; ``--model`` of replay still does."""
    only = answered(capsys, "advise", apps, *ON, "--only-model", "haiku-4-5")
    assert (only["requests"], [model["model"] for model in only["models"]]) == (60, [HAIKU])
    priced = answered(capsys, "advise", apps, *ON, "--as-model", "us.haiku-4-5")
    assert (priced["requests"], len(priced["models"]), priced["counted"]) == (278, 1, False)
    assert answered(capsys, "replay", apps, *ON, "--only-model", "haiku-4-5", "--policy", "none")["requests"] == 60
    new, old = (answered(capsys, "replay", apps, *ON, name, "us.haiku-4-5", "--policy", "none") for name in RENAMED)
    assert (new["requests"], new["policies"]) == (278, old["policies"])


RENAMED = ("--as-model", "--model")


def test_no_request_to_the_model_asked_for_is_said(apps, capsys):
    """Instead of an empty answer."""
    assert main(["advise", str(apps), *ON, "--only-model", "nova-lite"]) == 2
    assert "no request went to nova-lite" in capsys.readouterr().err


def test_a_source_stands_alone(apps, capsys):
    """Numbers describe other traffic; options of a source need one."""
    assert main(["advise", str(apps), "--requests", "5"]) == 2
    assert "give it alone" in capsys.readouterr().err
    assert main(["advise", "nova-pro", "--preset", "one-off", "--only-model", "nova-pro"]) == 2
    assert "go with a SOURCE" in capsys.readouterr().err


def marked(sent):
    """The same request with a point of its program's own behind the first block of its message."""
    (message,) = sent.body["messages"]
    first, *others = message["content"]
    content = [first, {"cachePoint": {"type": "default"}}, *others]
    return sent._replace(body={"messages": [{"role": "user", "content": content}]})


def test_caching_that_is_in_use_is_the_bill_of_today(tmp_path, capsys):
    """Sixteen questions on a document: one write, fifteen reads by the counters. Nothing better is to be had.

    The bill without any lever is greater, and no lever is to be pulled for what is done already.
    """
    requests = [marked(sent) for sent in documents_with_questions(2)]
    counts, _ = attached_usd(requests, load_catalog())
    lines = []
    for number, (sent, tokens) in enumerate(zip(requests, counts, strict=True)):
        record = json.loads(logged(sent, 100, number))
        name = "cacheReadInputTokenCount" if number % 16 else "cacheWriteInputTokenCount"
        record["input"][name] = tokens - 100
        lines.append(json.dumps(record))
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    advised = answered(capsys, "advise", tmp_path, *ON)
    (model,) = advised["models"]
    assert model["counted"]
    assert Decimal(model["today_usd"]) < Decimal(model["before_usd"]) / 4
    statuses = {row["lever"]: row["status"] for row in model["levers"]}
    assert statuses["caching"] == "in use"
    assert model["after_usd"] == model["today_usd"]


def test_a_month_is_made_of_a_day_and_more(tmp_path, capsys):
    """Twice the same document two days apart: 30 / 2 times as much a month."""
    requests = list(documents_with_questions(1))
    later = [sent._replace(at=sent.at + 172_800) for sent in requests[:1]]
    both = [*requests, *later]
    counts, _ = attached_usd(both, load_catalog())
    write_log(tmp_path / "log.jsonl", both, counts)
    paid = Decimal(answered(capsys, "replay", tmp_path, *ON)["answer"]["paid_usd"])
    advised = answered(capsys, "advise", tmp_path, *ON)
    assert advised["span_s"] is None
    assert Decimal(advised["today_usd"]) == paid * 15


def test_advice_and_explanation_say_alike_what_prompts_are_made_of_and_when_to_compact(tmp_path, capsys):
    """Four agents of twenty turns, uncached: history is most of the bill; compaction pays, but not with attach."""
    requests = list(conversations(4))
    counts, _ = attached_usd(requests, load_catalog())
    path = write_log(tmp_path / "log.jsonl", requests, counts)
    advised = answered(capsys, "advise", path, *ON)["models"][0]["prompts"]
    explained = answered(capsys, "explain", path)["prompts"]
    for prompts in (advised, explained):
        assert [part["name"] for part in prompts["parts"]] == ["history", "newest message"]
        whole = sum(Decimal(part["usd"]) for part in prompts["parts"])
        assert abs(whole - sum(counts) * Decimal("3.30") / 1_000_000) <= whole * Decimal("0.01")
        saved, dearer = (
            Decimal(prompts[name]["less_usd"]) - Decimal(prompts[name]["more_usd"])
            for name in ("compaction", "attached_compaction")
        )
        assert saved > 0 > dearer
    assert advised["compaction"]["turn"] == explained["compaction"]["turn"]
