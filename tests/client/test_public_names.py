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


def test_every_public_name_is_there_and_is_the_one_of_its_package():
    code = """
import rockbottom
from rockbottom import budgets, client, plan, quantities
assert all(hasattr(rockbottom, name) for name in rockbottom.__all__)
assert rockbottom.Budget is budgets.Budget and rockbottom.Planner is plan.Planner
assert rockbottom.detach is client.detach and rockbottom.RockbottomError is quantities.RockbottomError
assert set(rockbottom.__all__) <= set(dir(rockbottom))
classes = [getattr(rockbottom, name) for name in rockbottom.__all__ if name[0].isupper()]
print(sum(issubclass(one, Exception) for one in classes))
"""
    # RockbottomError; 3 of attaching, 3 of budgets, 4 of the catalogue, and one each of sinks, bodies and states
    assert _python(code) == "14"


@pytest.mark.parametrize(("name", "left_out"), [("Budget", "rockbottom.client"), ("attach", "rockbottom.plan")])
def test_a_public_name_brings_in_its_own_part_only(name, left_out):
    code = f"import sys, rockbottom; rockbottom.{name}; print({left_out!r} in sys.modules, 'boto3' in sys.modules)"
    assert _python(code) == "False False"


def test_attach_imports_no_framework():
    heavy = ("boto3", "aiobotocore", "httpx", "rich", "numpy")
    code = f"import sys, rockbottom; rockbottom.attach; print([n for n in {heavy!r} if n in sys.modules])"
    assert _python(code) == "[]"


_FIRST_ATTACH = """
import sys, boto3
keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
client = boto3.client("bedrock-runtime", **keys)
before = set(sys.modules)
import rockbottom
rockbottom.attach(client)
loaded = sorted(set(sys.modules) - before)
"""


def test_the_first_attach_loads_what_a_boto3_client_needs():
    """Whole programs, gateways, httpx, event loops, price lists and listeners are loaded by who needs them."""
    loaded = set(_python(f"{_FIRST_ATTACH}print(*loaded, sep='\\n')").splitlines())
    of_client = (
        "carrying",
        "counting",
        "everyone",
        "httpx_clients",
        "httpx_hooks",
        "httpx_streams",
        "signing",
        "summing",
    )
    of_catalog = ("apart", "burndown", "levers", "price_list", "profile_policies", "profiles")
    of_process = ("databases", "listeners", "loopback", "terminal", "visitors")
    others = {
        *(f"rockbottom.client.{name}" for name in of_client),
        *(f"rockbottom.catalog.{name}" for name in of_catalog),
        *(f"rockbottom.process.{name}" for name in of_process),
        *("asyncio", "httpx", "numpy", "rich", "uuid"),
    }
    assert not loaded & others
    assert len([name for name in loaded if name.startswith("rockbottom")]) <= 185


def test_few_of_the_classes_that_the_first_attach_loads_are_compiled_from_text():
    """The class of a dataclass is made from source at every start, half a millisecond each; that of a Struct is not."""
    code = f"""{_FIRST_ATTACH}
ours = [value for name in loaded if name.startswith("rockbottom.") for value in vars(sys.modules[name]).values()]
print(len({{value for value in ours if isinstance(value, type) and "__dataclass_fields__" in vars(value)}}))
"""
    assert int(_python(code)) <= 40
