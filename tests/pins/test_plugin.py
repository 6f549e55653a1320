"""The pytest plugin, in projects of its own: pytest runs inside pytest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rockbottom.pins import read_pins
from tests.pins.pinned_requests import RULES, SONNET, support

pytest_plugins = ("pytester",)
SRC = Path(__file__).resolve().parents[2] / "src"

PROMPTS = f"""
import json
RULES = {RULES!r}

def support(extra=""):
    request = json.loads({json.dumps(json.dumps(support()))})
    request["system"][0]["text"] = RULES + extra
    return request
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose pytest knows the plugin and nothing else of this environment."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    pytester.makeini("[pytest]\naddopts = -p rockbottom.testing.plugin\n")
    pytester.makepyfile(prompts=PROMPTS)
    pytester.syspathinsert()
    return pytester


def _test(project: pytest.Pytester, body: str, name: str = "test_prompts") -> None:
    project.makepyfile(**{name: f"import pytest, prompts\n{body}"})


PINNED = """
def test_support(rockbottom_pin):
    rockbottom_pin(prompts.support(EXTRA), name="support agent", requests_per_month=200_000)
"""


def test_a_prompt_is_new_then_accepted_then_unchanged_then_changed(project: pytest.Pytester):
    """Each failure names the place, the cost and the command that accepts it."""
    _test(project, PINNED.replace("EXTRA", "''"))
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*support agent: not pinned*", "*pytest 'test_prompts.py::test_support' --rockbottom-accept*"]
    )
    result = project.runpytest("--rockbottom-accept", "--rockbottom-with-text")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*accepted 1: support agent*rockbottom-pins.toml*"])
    project.runpytest().assert_outcomes(passed=1)
    _test(project, PINNED.replace("EXTRA", "' Be brief.'"))
    project.path.joinpath("test_prompts.py").touch()
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*support agent: changed*", f"*system[[]0[]].text, byte {len(RULES)}*", "*a month at*"]
    )
    assert "Traceback" not in result.stdout.str()


def test_the_pin_file_is_the_same_from_every_folder(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """It lies in the root folder of the project, or where the settings or the command line say."""
    project.mkdir("tests")
    project.path.joinpath("tests", "test_here.py").write_text("import prompts\n" + PINNED.replace("EXTRA", "''"))
    monkeypatch.chdir(project.path / "tests")
    project.runpytest("--rockbottom-accept", "--rootdir", str(project.path)).assert_outcomes(passed=1)
    assert "support agent" in read_pins(project.path / "rockbottom-pins.toml")
    monkeypatch.chdir(project.path)
    project.runpytest("tests").assert_outcomes(passed=1)
    assert read_pins(project.path / "rockbottom-pins.toml")["support agent"].source.endswith("::test_support")
    project.runpytest("tests", "--rockbottom-pins", "elsewhere.toml").assert_outcomes(failed=1)


def test_a_function_is_called_twice_and_what_differs_fails(project: pytest.Pytester):
    """A clock in front of the last point; accepting does not help."""
    body = """
import itertools
calls = itertools.count()
def test_stamped(rockbottom_pin):
    rockbottom_pin(lambda: prompts.support(f" Call {next(calls)}."), name="stamped")
"""
    _test(project, body)
    result = project.runpytest("--rockbottom-accept")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*stamped: volatile*", "*counter*"])
    assert not project.path.joinpath("rockbottom-pins.toml").exists()


def test_two_tests_with_one_name_and_two_prompts_fail(project: pytest.Pytester):
    """The second one says who has the name; with one prompt both pass."""
    body = """
@pytest.mark.parametrize("extra", ["", EXTRA])
def test_support(rockbottom_pin, extra):
    rockbottom_pin(prompts.support(extra), name="support")
"""
    _test(project, body.replace("EXTRA", "'!'"))
    result = project.runpytest("--rockbottom-accept")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Two prompts with different prefixes are named*"])
    _test(project, body.replace("EXTRA", "''"), "test_others")
    project.path.joinpath("test_prompts.py").unlink()
    project.runpytest("--rockbottom-accept").assert_outcomes(passed=2)


def test_without_a_name_a_prompt_has_that_of_its_test(project: pytest.Pytester):
    """Which no other test has."""
    _test(project, "def test_support(rockbottom_pin):\n    rockbottom_pin(prompts.support())\n")
    project.runpytest("--rockbottom-accept").assert_outcomes(passed=1)
    assert set(read_pins(project.path / "rockbottom-pins.toml")) == {"test_prompts.py::test_support"}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("rockbottom_pin({**prompts.support(), 'modelId': 'nova-prro'}, name='x')", "*Unknown model 'nova-prro'*"),
        ("rockbottom_pin({'modelId': 'nova-pro', 'messages': []}, name='x')", "*no cachePoint, no tools*"),
        ("rockbottom_pin({'modelId': 'nova-pro', 'system': 3}, name='x')", "*system: expected a list*"),
        (
            "open('rockbottom-pins.toml', 'w').write('x'); rockbottom_pin(prompts.support())",
            "*cannot be read as a pin file*",
        ),
    ],
)
def test_what_cannot_be_checked_fails_with_a_sentence(project: pytest.Pytester, call: str, said: str):
    """An unknown model, nothing to cache, a wrong shape, a damaged file."""
    _test(project, f"def test_it(rockbottom_pin):\n    {call}\n")
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])
    assert "Traceback" not in result.stdout.str()


def test_workers_that_accept_at_once_lose_no_pin_and_share_no_name(project: pytest.Pytester):
    """Thirty prompts on three workers of xdist; then two prompts of one name, of which one is refused."""
    pytest.importorskip("xdist")
    body = """
@pytest.mark.parametrize("number", range(30))
def test_support(rockbottom_pin, number):
    rockbottom_pin(prompts.support(f" {number}"), name=f"support {number}")
"""
    _test(project, body)
    project.runpytest("-p", "xdist", "-n", "3", "--rockbottom-accept").assert_outcomes(passed=30)
    assert len(read_pins(project.path / "rockbottom-pins.toml")) == 30
    _test(project, body.replace('name=f"support {number}"', 'name="one"').replace("range(30)", "range(6)"))
    result = project.runpytest("-p", "xdist", "-n", "3", "--rockbottom-accept")
    result.assert_outcomes(passed=1, failed=5)


def test_a_conversation_is_held_to_its_budget_on_the_local_endpoint(project: pytest.Pytester):
    """Attached or not, by fixture or by marker; the turns are told, and that they are simulated."""
    body = """
def ask(client, question):
    request = prompts.support()
    request["messages"] = [{"role": "user", "content": [{"text": question}]}]
    return client.converse(**request)

def test_kept(rockbottom_conversation):
    with rockbottom_conversation(max_usd="0.10", min_hit_rate=60) as talk:
        for question in ("One?", "Two?", "Three?"):
            ask(talk.client, question)
            talk.advance(30)
    assert len(talk.bill.turns) == 3

def test_each_conversation_begins_with_an_empty_cache(rockbottom_conversation):
    with rockbottom_conversation() as talk:
        ask(talk.client, "One?")
    assert talk.bill.usage.cache_read == 0
    assert talk.bill.usage.cache_write_5m > 1000

def test_time_that_passes_is_seen(rockbottom_conversation):
    with rockbottom_conversation(min_hit_rate=10) as talk:
        ask(talk.client, "One?")
        talk.advance(301)
        ask(talk.client, "Two?")

@pytest.mark.rockbottom_budget(max_usd="0.0001")
def test_too_dear(rockbottom_client):
    ask(rockbottom_client, "One?")

@pytest.mark.rockbottom_budget(min_hit_rate=60, attached=True)
def test_attached(rockbottom_client, rockbottom_talk):
    for question in ("One?", "Two?", "Three?", "Four?"):
        request = prompts.support()
        request["system"].pop()
        rockbottom_client.converse(**request)
        rockbottom_talk.advance(20)

@pytest.mark.rockbottom_budget(max_usd="1")
def test_without_a_call(rockbottom_client):
    pass

@pytest.mark.rockbottom_budget(max_usd="1")
def test_without_the_fixture():
    pass

@pytest.mark.rockbottom_budget(max_usd=0.02)
def test_with_a_float(rockbottom_client):
    pass

def test_refused(rockbottom_conversation):
    with rockbottom_conversation() as talk, pytest.raises(Exception):
        talk.client.converse(modelId="us.anthropic.claude-sonnet-4-6", messages=[])
"""
    _test(project, body)
    result = project.runpytest("-rfE")
    told = result.stdout.str()
    result.assert_outcomes(passed=3, failed=5, errors=1)
    for name, said in {
        "test_time_that_passes_is_seen": "0.0% of the input is read from the cache, less than 10%",
        "test_too_dear": "more than $0.0001",
        "test_without_a_call": "no request was made",
        "test_without_the_fixture": "needs the fixture rockbottom_client",
        "test_with_a_float": "max_usd=0.02",
        "test_refused": "turn 1 failed",
    }.items():
        assert f" test_prompts.py::{name}" in told
        assert said in told
    assert "simulated" in told


def test_a_list_of_requests_is_held_to_a_budget_without_calling_anything(project: pytest.Pytester):
    """By the documented rules; output tokens as given."""
    body = """
def test_kept(rockbottom_budget):
    bill = rockbottom_budget([prompts.support()] * 3, max_usd="0.05", min_hit_rate=60, output_tokens=[100] * 3)
    assert bill.usage.output == 300

def test_broken(rockbottom_budget):
    rockbottom_budget([prompts.support()] * 3, max_usd="0.05", min_hit_rate=60, gap_s=301)
"""
    _test(project, body)
    result = project.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*output tokens are not in it*"])


def test_a_project_that_does_not_use_it_loads_nothing_of_it(tmp_path: Path):
    """With the plugin registered, a run imports the plugin's own module and no other of rockbottom."""
    tmp_path.joinpath("test_plain.py").write_text("def test_plain():\n    pass\n")
    tmp_path.joinpath("conftest.py").write_text(
        "import json, sys\n"
        "def pytest_sessionfinish():\n"
        "    names = sorted(name for name in sys.modules if name.split('.')[0] in ('rockbottom', 'msgspec', 'boto3'))\n"
        "    open('loaded.json', 'w').write(json.dumps(names))\n"
    )
    environment = {"PYTHONPATH": str(SRC), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": "/usr/bin:/bin"}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "rockbottom.testing.plugin"]
    subprocess.run(argv, cwd=tmp_path, env=environment, check=True, capture_output=True)
    loaded = json.loads(tmp_path.joinpath("loaded.json").read_text())
    assert loaded == ["rockbottom", "rockbottom.testing", "rockbottom.testing.plugin"]


def test_the_entry_point_names_the_plugin():
    """pytest finds it in every environment that rockbottom is installed in."""
    import tomllib

    project = tomllib.loads((SRC.parent / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"rockbottom": "rockbottom.testing.plugin"}
    assert SONNET
