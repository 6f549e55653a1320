"""What has a room of its own is done there and nowhere else."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rockbottom"


@pytest.mark.parametrize(
    ("room", "calls"),
    [
        pytest.param("figures", r"import textwrap|from textwrap|\"#[0-9a-f]{6}", id="wrappers and colours"),
        pytest.param("process", r"register_at_fork|atexit\.register|import atexit", id="forks and ends of the process"),
    ],
)
def test_it_is_written_once(room: str, calls: str) -> None:
    """A second place would be a second registration, a second rule, a second look."""
    elsewhere = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] != room
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(calls, line)
    ]
    assert not elsewhere


_FIGURE = re.compile(r"[,%]|\.\d+[fge]|^[+<>^]?\d*[fg]$")
_NO_FIGURES = {"tables/summary.py": "the bounds of an SQL query", "quantities/money.py": "money as files spell it"}


def test_no_figure_is_formatted_outside_of_its_room() -> None:
    """``{count:,}`` or ``{share:.1%}`` elsewhere would be another rule of rounding, of signs, of thousands.

    What pads a number of a file or spells a hash is no figure.
    """
    elsewhere: list[str] = []
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE)
        if name.parts[0] in ("figures", "rendering") or name.as_posix() in _NO_FIGURES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                spec = "".join(
                    part.value
                    for part in getattr(node.format_spec, "values", ())
                    if hasattr(part, "value") and isinstance(part.value, str)
                )
                if _FIGURE.search(spec):
                    elsewhere.append(f"{name}:{node.lineno} {spec}")
    assert not elsewhere


def test_the_helpers_of_tests_are_imported_by_their_whole_name() -> None:
    """A folder on the path makes two helpers of one name the same module, whichever came first."""
    tests = SOURCE.parents[1] / "tests"
    files = [path for path in tests.rglob("*.py") if path.name != "test_once.py"]
    assert not [path for path in files if re.search(r"^ *sys\.path\.", path.read_text(encoding="utf-8"), re.MULTILINE)]


def test_what_the_type_checker_is_not_asked_has_a_reason() -> None:
    """``# type: ignore[rule]  # reason``: whoever reads it must be able to judge whether it still holds."""
    bare = re.compile(r"# (?:type|pyright): ignore(?:\[[\w, -]+\])?(?!\S*  # \w)")
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in SOURCE.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert not found


_MOST_LINES = 350
_MOST_LINES_OF_A_FUNCTION = 50


def test_no_module_is_longer_than_can_be_kept_in_mind() -> None:
    """350 lines; what would be longer holds two ideas, each of which has a name."""
    lengths = {
        str(path.relative_to(SOURCE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }
    assert not {name: length for name, length in lengths.items() if length > _MOST_LINES}


def test_no_function_is_longer_than_a_screen() -> None:
    """50 lines from its name to its end, without its docstring; kernels, which numba compiles whole, may be longer."""
    assert not [
        f"{path.relative_to(SOURCE)}:{function.lineno} {function.name}"
        for path in SOURCE.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any(isinstance(mark, ast.Name) and mark.id == "compiled" for mark in function.decorator_list)
        and _lines_of(function) > _MOST_LINES_OF_A_FUNCTION
    ]


def _lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    whole = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return whole
    docstring = function.body[0]
    return whole - ((docstring.end_lineno or 0) - docstring.lineno + 1)


_READERS_OF_RESULTS = ("cli", "cost", "diagnose", "documents", "reconcile", "rendering", "replay", "sinks",
                       "tables", "watch")  # fmt: skip
_NO_RESULTS = {
    "cli": {"options", "arguments"},  # what click hands over
    "cli/distill.py": {"job"}, "cli/prices_pull.py": {"entry"},
    "cli/profiles.py": {"entry", "pair", "reply", "row", "self._call", "tag"}, "sinks/cloudwatch.py": {"dimension",
    "self._waiting"}, "reconcile/explorer.py": {"cost", "group", "period", "reply", "usage"},
    "reconcile/native.py": {"dimension", "names", "page", "row"}, "reconcile/reports.py": {"row"},  # AWS's
    "reconcile/billed.py": {"_data", "row"}, "cli/estimate.py": {"match"},  # tables of data; a pattern's groups
    "cli/today.py": {"call", "document"}, "diagnose/faces.py": {"block"},  # lines of a file; blocks of a body
    "replay/routing.py": {"trace.names"}, "replay/study.py": {"trace.names"}, "cli/explain.py": {"readers"},  # by name
    "reconcile/explaining.py": {"mine", "their"}, "reconcile/rows.py": {"mine", "their"}, "watch/asking.py":
    {"latencies"},  # tokens by kind, times by model
}  # fmt: skip
"""What is read by a name in quotes there and is no result of ours."""


def test_results_are_read_by_their_fields() -> None:
    """A result is a struct: a name in quotes is a name that no type checker follows."""
    subscripts = {
        (path.relative_to(SOURCE).as_posix(), _receiver(node.value))
        for room in _READERS_OF_RESULTS
        for path in (SOURCE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
        and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    }  # fmt: skip
    allowed = {(file, name) for file, names in _NO_RESULTS.items() for name in names}
    read = {(file, name) for file, name in subscripts if ("cli", name) not in allowed and not name[0].isupper()}
    assert read == {place for place in allowed if place[0] != "cli"}


def _receiver(node: ast.expr) -> str:
    """What is subscripted, without further subscripts and calls."""
    match node:
        case ast.Subscript(value=inner) | ast.Call(func=inner) | ast.BoolOp(values=[inner, *_]):
            return _receiver(inner)
        case _:
            return ast.unparse(node)


_WRITTEN_BY_THEMSELVES = {
    "cli/check.py": "the summary page of a job of GitHub's, which is there",
    "cli/init.py": "a program that the user goes on with, in the folder of the user's project",
    "cli/ledgers.py": "copies in a temporary folder", "cli/mcp.py": "copies in a temporary folder",
    "local/certificates.py": "certificates, which are public, in a temporary folder",
    "pins/calling.py": "the answer of a child process, in a temporary folder",
    "pins/pin_file.py": "the folder of pins, which are committed", "probe/facts.py": "the folder of measured facts",
    "cli/prices_pull.py": "the folder of a price list",
    "batch/sending.py": "a file that is there is cut", "bench/notebook.py": "a file that is there is cut",
    "bench/grading/votes.py": "a file that is there is cut",
    "trace/compiling.py": "machine code, in a folder of its owner's", "tables/keeping.py": "a folder of its owner's",
}  # fmt: skip


def test_files_and_folders_are_made_by_their_room() -> None:
    """Anything else makes them as the umask has it, which lets others read tags, prompts and keys.

    What is written to a path of ``replacing`` is called ``beside``.
    """
    by_themselves = {
        f"{path.relative_to(SOURCE)}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if path.name != "files.py" and isinstance(node, ast.Call) and _makes_a_file(node)
    }
    assert by_themselves == set(_WRITTEN_BY_THEMSELVES)


def _makes_a_file(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    receiver = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name in ("write_text", "write_bytes", "touch"):
        return receiver not in ("", "beside", "formatter")
    if name == "open" and receiver != "os":
        texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
        modes = [text for text in texts if isinstance(text, str) and set(text) <= set("rwaxbt+")]
        is_private = any(keyword.arg == "opener" for keyword in call.keywords)
        opened = ast.unparse(call.args[0]) if call.args and not receiver else receiver
        return any(set(mode) & set("wax") for mode in modes) and not is_private and opened != "beside"
    return name == "mkdir" or (name == "open" and receiver == "os" and "O_CREAT" in ast.unparse(call))


_SPELLED_IN_DIALECTS = {
    "cachePoint", "cache_control", "prompt_cache_breakpoint",  # points
    "serviceTier", "service_tier", "performanceConfig",  # tiers
    "inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "cacheDetails",
    "cache_read_input_tokens", "cache_creation_input_tokens", "prompt_tokens", "completion_tokens", "cached_tokens",
    "inputTokenCount", "outputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount",  # counters
}  # fmt: skip
_OTHERS_SPELLINGS = {
    "catalog/price_list.py": "an attribute of the Price List",
    "trace/formats/langfuse.py": "columns of Langfuse", "trace/formats/litellm.py": "columns of LiteLLM",
    "trace/formats/otlp.py": "attributes of OpenTelemetry and OpenInference",
}  # fmt: skip


def test_points_tiers_and_counters_are_spelled_in_dialects() -> None:
    """What reads or writes them elsewhere would have to be found when a surface spells them in another way."""
    elsewhere = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] != "dialects"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and _text(node.value) in _SPELLED_IN_DIALECTS
    }
    assert elsewhere == set(_OTHERS_SPELLINGS)


def _text(value: object) -> object:
    return value.decode("latin-1") if isinstance(value, bytes) else value
