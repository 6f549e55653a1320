"""Regions, days and instants that commands take: what is none is named, with what was probably meant."""

import errno
import json
import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import BytesIO, TextIOWrapper
from pathlib import Path

import click
import pytest

from rockbottom.catalog import load_catalog, regions
from rockbottom.cli import main, root
from rockbottom.cli.aws import region_of
from rockbottom.cli.exits import Exit
from rockbottom.cli.values import Day, Instant, Region, UnknownRegion, known_region, write_new

NOVA = "amazon.nova-lite-v1:0"
A_MONTH = ("--requests", "1000", "--prefix", "5000", "--question", "100", "--output", "100")


def _options(group: click.Group = root, path: str = "") -> Iterator[tuple[str, click.Parameter]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from ((f"{path}{name} {param.name}", param) for param in command.params)
        if isinstance(command, click.Group):
            yield from _options(command, f"{path}{name} ")


def test_every_region_that_a_command_takes_is_checked():
    """But that of prices pull, which brings Regions that nobody knows yet."""
    unchecked = [
        name for name, param in _options()
        if "--region" in param.opts and not isinstance(param.type, Region) and not name.startswith("prices pull")
    ]  # fmt: skip
    assert unchecked == []


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400", "9" * 40])
def test_no_command_takes_a_number_that_cannot_be_reckoned_with(number):
    """click finds ``nan`` in any range, and a range without an end takes what fits in no clock and no C integer."""
    kinds = (click.types.FloatParamType, click.types.IntParamType)
    options = [(name, param) for name, param in _options() if isinstance(param.type, kinds)]
    assert len(options) > 30
    taken = []
    for name, param in options:
        try:
            taken.append((name, param.type.convert(number, param, None)))
        except click.BadParameter:
            continue
    assert taken == []


def test_no_command_shows_the_letters_of_strftime():
    """A day is a day in help and in errors, and not %Y-%m-%d."""
    assert [name for name, param in _options() if isinstance(param.type, click.DateTime)] == []


def test_every_region_of_a_price_is_one_of_aws():
    """The list is botocore's, the prices are AWS's and others'."""
    assert {row.region for row in load_catalog().price_book.rows if row.region} <= set(regions())


@pytest.mark.parametrize(
    "argv",
    [
        ["prices", "show", "sonnet-5-5"],
        ["prices", "check"],
        ["estimate", "sonnet-5-5", *A_MONTH],
        ["advise", "sonnet-5-5", "--preset", "support-chatbot"],
        ["profiles", "list", "sonnet-5-5"],
        ["replay", "logs"],
        ["route", "logs", "--to", "nova-lite if input<2000"],
        ["monitor", "policy", "publish"],
        ["serve"],
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_an_unknown_region_is_refused_with_the_nearest(argv, capsys):
    """Two letters changed places."""
    assert main([*argv, "--region", "us-esat-1"]) == Exit.USAGE
    assert capsys.readouterr().err.startswith("rockbottom: unknown Region 'us-esat-1'; the nearest are us-east-1, ")


def test_a_region_that_pulled_prices_name_is_known(tmp_path, monkeypatch):
    """AWS opens Regions; the price list knows them before this copy does."""
    with pytest.raises(UnknownRegion):
        known_region("eu-nowhere-7")
    prices = tmp_path / "prices.csv"
    prices.write_text(
        "model,scope,region,tier,unit,usd_per_mtok,valid_from\n"
        "amazon.nova-pro-v1:0,in_region,eu-nowhere-7,default,input,1.5,2026-11-30\n"
    )
    monkeypatch.setenv("ROCKBOTTOM_PRICES", str(prices))
    assert known_region("eu-nowhere-7") == "eu-nowhere-7"


@pytest.mark.parametrize("text", ["30.11.2026", "2026-11-31", "yesterday", "2026"])
def test_what_is_no_day_is_answered_with_a_day(text, capsys):
    """In words, and with the help of the command that took it."""
    assert main(["estimate", "sonnet-5-5", *A_MONTH, "--on", text]) == Exit.USAGE
    assert capsys.readouterr().err == (
        f"rockbottom: --on takes a day, as in 2026-11-30; not '{text}'\n  see rockbottom estimate --help\n"
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-30", datetime(2026, 11, 30, tzinfo=UTC)),
        ("2026-11-30T14:00", datetime(2026, 11, 30, 14, tzinfo=UTC)),
        ("2026-11-30 14:00:05", datetime(2026, 11, 30, 14, 0, 5, tzinfo=UTC)),
        ("2026-11-30T14:00+01:00", datetime(2026, 11, 30, 13, tzinfo=UTC)),
    ],
)
def test_an_instant_without_a_zone_is_utc(text, moment):
    """A day is its first second."""
    assert Instant().convert(text, None, None) == moment.timestamp()


def test_a_day_is_a_date():
    """And nothing finer."""
    assert Day().convert("2026-11-30", None, None) == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["ledger", "summary", "--by"], "rockbottom ledger summary"),
        (["gateway", "--config", "gateway.yaml", "key", "add", "ana", "--tag"], "rockbottom gateway key add"),
        (["estimate", "--on"], "rockbottom estimate"),
        (["ledger", "--nonsense"], "rockbottom ledger"),
        (["--nonsense"], "rockbottom"),
    ],
)
def test_what_the_parser_refuses_leads_to_the_help_of_its_command(argv, command, capsys):
    """An option without its value has no context in click."""
    assert main(argv) == Exit.USAGE
    assert capsys.readouterr().err.endswith(f"\n  see {command} --help\n")


def test_a_word_that_is_neither_traffic_nor_a_model_is_said_to_be_neither(capsys):
    """A folder's name mistyped is no model whose numbers are missing."""
    assert main(["advise", "lgos/"]) == Exit.USAGE
    assert capsys.readouterr().err.startswith("rockbottom: 'lgos/' is not a file or folder here, nor a model")


def test_the_region_of_the_environment_is_taken_where_boto3_does_not_look(monkeypatch):
    """boto3 reads AWS_DEFAULT_REGION; the other SDKs, Lambda and containers set AWS_REGION."""
    boto3 = pytest.importorskip("boto3")
    for name, value in (("AWS_CONFIG_FILE", "/dev/null"), ("AWS_REGION", "eu-west-3")):
        monkeypatch.setenv(name, value)
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert region_of(boto3.Session()) == "eu-west-3"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert region_of(boto3.Session()) == "us-east-1"


@pytest.mark.parametrize(
    "line",
    [
        "batch setup --model us.haiku-4-5 --bucket night-shift --region us-east-1 --account 12345",
        "batch setup --model us.haiku-4-5 --bucket 'Night Shift' --region us-east-1 --account 123456789012",
        "batch setup --model nova-pro --bucket night-shift --region us-east-1 --account 123456789012 --role 'a b/c'",
        "monitor policy publish --account none",
        "monitor policy publish --partition mars",
        "logging policy apply --bucket my-logs --account 1234567890123",
        "logging policy apply --bucket my-logs --partition mars",
        "gateway key add ana --role admin",
        "serve --env --account \u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662",
    ],
)
def test_no_document_is_written_for_what_aws_has_no_name_like(line, capsys, tmp_path, monkeypatch):
    """A policy for account 12345 would be pasted, and refused by AWS, or worse: taken, and allow nothing."""
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(line)) == Exit.USAGE
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("account", ["*", "123456789012"])
def test_an_account_and_any_account_are_taken(account, capsys):
    assert main(["monitor", "policy", "apply", "--account", account]) == Exit.OK
    assert account in capsys.readouterr().out


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path, monkeypatch):
    """A page is written in one step: the old one stays whole, and no piece of the new one is left."""
    page = tmp_path / "page.html"
    write_new(page, "before")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_new(page, "after")
    assert raised.value.filename == str(page)
    assert page.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_page_may_go_to_a_device_and_through_a_link(tmp_path):
    """What is no file takes it as it comes; a link stays one."""
    write_new(Path("/dev/null"), "text")
    (tmp_path / "link").symlink_to(tmp_path / "page.html")
    write_new(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page.html").read_text() == "text"


def test_a_link_to_itself_is_refused_by_its_name(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="Too many levels of symbolic links") as refused:
        write_new(tmp_path / "loop", "text")
    assert refused.value.filename == str(tmp_path / "loop")


def test_what_the_encoding_of_stdout_lacks_is_printed_as_an_escape(tmp_path, monkeypatch):
    """The name of a file is bytes, and need not be text."""
    path = tmp_path / "ask\udcff.json"
    path.write_text(json.dumps({"modelId": NOVA, "messages": [{"role": "user", "content": [{"text": "hi"}]}]}))
    stdout = TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)
    monkeypatch.setattr("sys.stdout", stdout)
    main(["check", str(path)])
    assert "ask\\udcff" in stdout.buffer.getvalue().decode()
