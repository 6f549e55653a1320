"""The command that adds an extra is one that works where this copy came from."""

from pathlib import Path

import pytest

from rockbottom.extras import MissingExtra, install_command, needing, upgrade_command
from rockbottom.extras.installation import Installation, Installer, keeper_of, this_installation

_WHEEL = {"url": "file:///w/rockbottom-0.1.0-py3-none-any.whl", "archive_info": {}}
_PYTHON = "/venv/bin/python"


def _copy(direct_url=None, keeper=Installer.PIP, extras=()):
    return Installation("0.1.0", direct_url, keeper, _PYTHON, frozenset(extras))


@pytest.mark.parametrize(
    ("direct_url", "requirement"),
    [
        pytest.param(None, "'rockbottom[watch]==0.1.0'", id="an index"),
        pytest.param(_WHEEL, "'/w/rockbottom-0.1.0-py3-none-any.whl[watch]'", id="a wheel"),
        pytest.param({"url": "file:///w/my%20src", "dir_info": {}}, "'/w/my src[watch]'", id="a folder"),
        pytest.param(
            {"url": "file:///w/src", "dir_info": {"editable": True}}, "-e '/w/src[watch]'", id="an editable checkout"
        ),
        pytest.param(
            {"url": "https://example.com/rockbottom-0.1.0-py3-none-any.whl", "archive_info": {}},
            "'rockbottom[watch] @ https://example.com/rockbottom-0.1.0-py3-none-any.whl'", id="a URL",
        ),
        pytest.param(
            {"url": "https://example.com/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc1"}},
            "'rockbottom[watch] @ git+https://example.com/r.git@abc1'", id="a commit",
        ),
    ],
)  # fmt: skip
def test_the_command_names_the_very_copy_that_is_there(direct_url, requirement):
    """The spellings are those of PEP 508 and of pip's arguments for files, folders and version control."""
    assert install_command("watch", installation=_copy(direct_url)) == f"{_PYTHON} -m pip install {requirement}"


@pytest.mark.parametrize(
    ("keeper", "command"),
    [
        (Installer.UV, "uv pip install --python /venv/bin/python '/w/rockbottom-0.1.0-py3-none-any.whl[watch]'"),
        (Installer.UV_TOOL, "uv tool install '/w/rockbottom-0.1.0-py3-none-any.whl[otel,watch]'"),
        (Installer.UVX, "uvx --from '/w/rockbottom-0.1.0-py3-none-any.whl[otel,watch]' rockbottom ..."),
        (Installer.PIPX, "pipx install --force '/w/rockbottom-0.1.0-py3-none-any.whl[otel,watch]'"),
        (Installer.PIPX_RUN, "pipx run --spec '/w/rockbottom-0.1.0-py3-none-any.whl[otel,watch]' rockbottom ..."),
    ],
)
def test_a_tool_that_makes_an_environment_anew_is_told_the_extras_that_are_there(keeper, command, monkeypatch):
    """pip and uv add to what is there; uv tool, uvx and pipx would lose it."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    assert install_command("watch", installation=_copy(_WHEEL, keeper, ["otel"])) == command


def test_an_active_environment_is_reached_without_its_path(monkeypatch, tmp_path):
    """VIRTUAL_ENV names it for uv; pip is the environment's own when it is the first on the path."""
    python = tmp_path / "bin" / "python"
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.touch(0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    monkeypatch.setenv("PATH", str(pip.parent))
    with_uv = Installation("0.1.0", None, Installer.UV, str(python))
    with_pip = Installation("0.1.0", None, Installer.PIP, str(python))
    assert upgrade_command("boto3>=1.42", with_uv) == "uv pip install --upgrade 'boto3>=1.42'"
    assert install_command("aws", installation=with_pip) == "pip install 'rockbottom[aws]==0.1.0'"


@pytest.mark.parametrize(
    ("folder", "file", "keeper"),
    [
        ("tools/rockbottom", "uv-receipt.toml", Installer.UV_TOOL),
        ("venvs/rockbottom", "pipx_metadata.json", Installer.PIPX),
        (".cache/ad85d2aebc5a3e0", "pipx_metadata.json", Installer.PIPX_RUN),
        ("archive-v0/cB3DNYzSxqEe", "pyvenv.cfg", Installer.UVX),
    ],
)
def test_each_tool_is_known_by_what_it_leaves_in_the_environment(folder, file, keeper, tmp_path):
    """As uv 0.13 and pipx 1.16 were seen to make them."""
    prefix = tmp_path / folder
    prefix.mkdir(parents=True)
    (prefix / file).touch()
    assert keeper_of(prefix) is keeper


def test_a_source_tree_is_told_as_a_checkout():
    """These tests run from one, installed in editable form or not at all."""
    root = str(Path(__file__).resolve().parents[2])
    assert this_installation().requirement("watch") == ["-e", f"{root}[watch]"]


def test_a_missing_package_is_told_with_the_extra_that_brings_it():
    """It is a ModuleNotFoundError still, and a traceback shows the command."""
    with pytest.raises(MissingExtra) as caught, needing("rockbottom.local", "local"):
        raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn.config")
    assert isinstance(caught.value, ModuleNotFoundError)
    assert str(caught.value) == "rockbottom.local needs the package uvicorn, which is not installed"
    assert caught.value.fix == install_command("local")
    assert caught.value.__notes__ == [f"Fix: {install_command('local')}"]


def test_a_module_of_no_extra_is_left_alone():
    """A mistake in an import is nobody's missing package."""
    with pytest.raises(ModuleNotFoundError) as caught, needing("rockbottom.local", "local"):
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")
    assert not isinstance(caught.value, MissingExtra)


@pytest.mark.parametrize(("folder", "python"), [("/venv", "bin/python"), ("/", "/venv/bin/python")])
def test_what_is_below_the_current_folder_is_named_from_there_but_not_from_the_root(folder, python, monkeypatch):
    """A service has the root as its folder; whoever reads its log has not."""
    monkeypatch.setattr("pathlib.Path.cwd", lambda: Path(folder))
    assert install_command("watch", installation=_copy()) == f"{python} -m pip install 'rockbottom[watch]==0.1.0'"
