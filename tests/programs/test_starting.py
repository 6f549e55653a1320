"""The start of a Python below ``rockbottom run``: nothing is imported, nothing is broken, others have their turn."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from rockbottom.programs import Choices, environment_of
from tests.programs.conftest import RUN, UNMODIFIED
from tests.programs.totals import total_in

PYTHON = sys.executable


def _modules(environment, *options):
    shown = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    return set(json.loads(_output([PYTHON, *options, "-c", shown], environment)))


def _output(command, environment):
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def told(environment, tmp_path):
    """The environment of a program below ``rockbottom run``."""
    return environment_of(Choices(records=str(tmp_path / "records")), environment)


def test_nothing_but_ourselves_is_imported_at_the_start(environment, told):
    new = {name.partition(".")[0] for name in _modules(told) - _modules(environment)}
    assert new <= {"rockbottom", "sitecustomize", "importlib", "warnings"}
    assert {"rockbottom.programs"} <= _modules(told)
    assert "rockbottom.client" not in _modules(told)


def test_a_program_without_bedrock_imports_no_planner(told):
    shown = (
        "import boto3, json, sys; boto3.client('s3'); boto3.client('bedrock'); print(json.dumps(sorted(sys.modules)))"
    )
    modules = set(json.loads(_output([PYTHON, "-c", shown], told)))
    assert "botocore.session" in modules
    assert not {"rockbottom.client", "rockbottom.plan", "rockbottom.catalog"} & modules


def _sitecustomize(folder: Path, text: str) -> str:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(text)
    return str(folder)


def test_the_sitecustomize_that_was_there_is_still_imported(environment, tmp_path):
    other = _sitecustomize(tmp_path / "other", "import os\nos.environ['OTHER'] = __name__ + __file__\n")
    told = environment_of(Choices(), {**environment, "PYTHONPATH": other})
    shown = (
        "import os, sitecustomize, sys; print(os.environ['OTHER'], sitecustomize.__file__, 'rockbottom' in sys.modules)"
    )
    path = os.path.join(other, "sitecustomize.py")
    assert _output([PYTHON, "-c", shown], told).split() == [f"sitecustomize{path}", path, "True"]


def test_what_the_other_sitecustomize_raises_is_said_as_without_us(environment, tmp_path):
    other = _sitecustomize(tmp_path / "other", "raise ZeroDivisionError('of its own')\n")
    told = environment_of(Choices(), {**environment, "PYTHONPATH": other})
    ran = subprocess.run([PYTHON, "-c", "print(1)"], env=told, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "1"
    assert "of its own" in ran.stderr


def test_modules_are_loaded_by_their_own_loaders(told):
    """Whoever asks a watched module for its source or its loader gets the real one."""
    shown = (
        "import importlib.util, inspect, botocore.session as s; print(type(s.__loader__).__name__,"
        " type(s.__spec__.loader).__name__, 'class Session' in inspect.getsource(s),"
        " importlib.util.find_spec('botocore.session').loader.is_package('botocore.session'),"
        " list(inspect.signature(s.Session.__init__).parameters)[:2])"
    )
    assert _output([PYTHON, "-c", shown], told).split() == [
        "SourceFileLoader", "SourceFileLoader", "True", "False", "['self',", "'session_vars']",
    ]  # fmt: skip


def _without_rockbottom(folder: Path) -> tuple[str, Path]:
    """An interpreter of its own, with something called botocore and no rockbottom."""
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "botocore.py").write_text("")
    return str(folder / "bin" / "python"), packages


def test_an_interpreter_without_rockbottom_runs_plain_and_says_so_once(run, tmp_path):
    other, _ = _without_rockbottom(tmp_path / "other")
    twice = "import subprocess, sys; print(1, flush=True); subprocess.run([sys.executable, '-c', 'print(2)'])"
    ran = run("--quiet", "--", other, "-c", twice)
    assert (ran.returncode, ran.stdout.split()) == (0, ["1", "2"])
    assert ran.stderr.count("\n") == 1
    assert f"{other} runs without rockbottom" in ran.stderr


def test_an_interpreter_that_could_not_call_bedrock_says_nothing(run, tmp_path):
    other, packages = _without_rockbottom(tmp_path / "other")
    (packages / "botocore.py").unlink()
    ran = run("--quiet", "--", other, "-c", "print(1)")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "1\n", "")


BROKEN = ["raise ZeroDivisionError", "this is no Python", "import nothing_of_that_name"]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_rockbottom_is_one_warning_and_the_program_runs(run, tmp_path, text):
    other, packages = _without_rockbottom(tmp_path / "other")
    (packages / "rockbottom.py").write_text(text)
    ran = run("--quiet", "--", other, "-c", "print(1)")
    assert (ran.returncode, ran.stdout) == (0, "1\n")
    assert ran.stderr.count("\n") == 1
    assert "runs without rockbottom" in ran.stderr


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("rockbottom.client", "raise ZeroDivisionError"),
        ("rockbottom.programs.clients", "raise ZeroDivisionError"),
        ("rockbottom.plan", "raise ZeroDivisionError"),
    ],
)
def test_what_breaks_when_a_client_is_made_is_one_warning(run, tmp_path, module, text):
    """The module is broken by a sitecustomize of the test, which is imported after ours."""
    breaking = _sitecustomize(
        tmp_path / "breaking",
        "import sys\nclass Broken:\n    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: {text}\nsys.meta_path.insert(0, Broken())\n",
    )
    ran = run(
        "--quiet", "--", PYTHON, "-c", f"import sys; sys.path.insert(0, {os.getcwd()!r}); import boto3_program",
        PYTHONPATH=os.pathsep.join([breaking, str(Path(__file__).parent / "unmodified")]),
    )  # fmt: skip
    assert (ran.returncode, len(ran.stdout.split())) == (0, 4), ran.stderr
    assert ran.stderr.count("rockbottom:") == 1, ran.stderr


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/full", "/dev/null/below"])
def test_a_state_and_a_ledger_that_cannot_be_written_end_nothing(run, tmp_path, place):
    """The full device is reached by a link: who runs as root would make a file beside it else."""
    state = tmp_path / "learned.db"
    state.symlink_to(place if place == "/dev/full" else f"{place}.db")
    ran = run("--state", str(state), "--ledger", place, "--", PYTHON, "boto3_program.py")
    assert (ran.returncode, len(ran.stdout.split())) == (0, 4), ran.stderr
    assert total_in(ran.stderr).calls == 4


@pytest.mark.parametrize("outside", [True, False])
def test_an_instrumentor_that_starts_the_program_anew_works_beside_us(run, outside, environment):
    """opentelemetry-instrument puts its own sitecustomize first and executes the program.

    Where it stands outside, it takes itself off PYTHONPATH before its program starts another, which is its own way.
    """
    instrument = Path(PYTHON).with_name("opentelemetry-instrument")
    if not instrument.exists():
        pytest.skip("opentelemetry-instrument is not installed here: make sdks runs this")
    shown = (
        "import boto3_program, botocore.client as c\n"
        "print('instrumented', hasattr(c.BaseClient._make_api_call, '__wrapped__'))"
    )
    quiet = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    if outside:
        command = [str(instrument), *RUN, "--", PYTHON, "-c", shown]
        ran = subprocess.run(
            command, env={**environment, **quiet}, cwd=UNMODIFIED, capture_output=True, text=True, check=False
        )
    else:
        ran = run("--", str(instrument), PYTHON, "-c", shown, **quiet)
        assert "instrumented True" in ran.stdout, ran.stderr
    assert ran.returncode == 0, ran.stderr
    assert total_in(ran.stderr).calls == 4


def test_one_import_at_the_entry_point_does_the_same(environment):
    program = (
        "import rockbottom.auto, boto3_program\n"
        "report = rockbottom.auto.report()\n"
        "print(report.total.calls, report.total.usage.cache_read > 0)"
    )
    assert _output([PYTHON, "-c", program], environment).split()[-2:] == ["4", "True"]


def test_the_import_may_come_after_boto3(environment):
    """A session that is there already is not reached; one that is made later is."""
    program = "import boto3\nimport rockbottom.auto, boto3_program\nprint(rockbottom.auto.report().total.calls)"
    assert _output([PYTHON, "-c", program], environment).split()[-1] == "4"


def test_our_own_command_line_measures_undisturbed(told, tmp_path):
    """A bench's uncached lane would be cached if its clients were attached."""
    program = (
        "import sys\nfrom rockbottom.cli import main\nimport boto3\nimport rockbottom\n"
        "try:\n    rockbottom.report(boto3.client('bedrock-runtime'))\n"
        "except rockbottom.NotAttached:\n    print('alone')"
    )
    assert _output([PYTHON, "-c", program], told).strip() == "alone"


def test_tags_go_through_the_environment_and_what_is_none_is_left_out():
    """As a person writes them there: spaces around a tag are none of it."""
    told = environment_of(Choices(tags="team=search,env=prod"), {})
    assert told["ROCKBOTTOM_TAGS"] == "team=search,env=prod"
    assert Choices(tags="team=search, env=a=b,odd,=x").tag_values == {"team": "search", "env": "a=b"}
    assert Choices().tag_values == {}
