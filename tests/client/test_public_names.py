"""``import rockbottom`` is light, and its public names work whatever was imported before."""

import subprocess
import sys

import pytest


def _python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_rockbottom_imports_none_of_its_packages():
    names = ("rockbottom.", "botocore", "msgspec")
    code = f"import sys, rockbottom; print([n for n in sys.modules if n.startswith({names!r})])"
    assert _python(code) == "[]"


@pytest.mark.parametrize("before", ["", "import rockbottom.rendering", "import rockbottom.monitor"])
def test_report_is_a_function_whatever_was_imported_before(before):
    code = f"""
import rockbottom
{before}
class Stranger: ...
try:
    rockbottom.report(Stranger())
except Exception as error:
    print(type(error).__name__)
"""
    assert _python(code) == "NotAttached"


@pytest.mark.parametrize("name", ["Budget", "Budgets", "BudgetExceeded", "CloudWatch", "EmbeddedMetrics", "Prometheus"])
def test_programs_that_import_sinks_and_budgets_from_monitor_keep_working(name):
    assert _python(f"from rockbottom.monitor import {name}; print({name}.__name__)") == name


def test_attach_imports_no_framework():
    heavy = ("boto3", "aiobotocore", "httpx", "rich", "numpy")
    code = f"import sys, rockbottom; rockbottom.attach; print([n for n in {heavy!r} if n in sys.modules])"
    assert _python(code) == "[]"
