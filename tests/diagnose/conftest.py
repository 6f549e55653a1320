"""The catalogue, once, and the made-up traffic of planted.py, which the benchmark uses too."""

import importlib.util
import sys
from pathlib import Path

import pytest

from rockbottom.catalog import Catalog, load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """What AWS says, loaded once."""
    return load_catalog()


@pytest.fixture(scope="session")
def traffic():
    """The module that makes traffic."""
    path = Path(__file__).with_name("planted.py")
    spec = importlib.util.spec_from_file_location("planted", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted"] = module
    spec.loader.exec_module(module)
    return module
