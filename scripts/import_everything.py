"""Import every module of the installed rockbottom; a module that needs an unnamed package fails here."""

import importlib
import importlib.util
import pkgutil

import rockbottom


def has_its_host(name: str) -> bool:
    """Whether the program that a module is for is installed: pytest, or what an integration is named after."""
    if name.startswith("rockbottom.testing."):
        return importlib.util.find_spec("pytest") is not None
    if name.startswith("rockbottom.integrations."):
        return importlib.util.find_spec(name.rpartition(".")[2]) is not None
    return True


names = [module.name for module in pkgutil.walk_packages(rockbottom.__path__, "rockbottom.")]
wanted = [name for name in names if has_its_host(name) and not name.endswith("__main__")]
for name in wanted:
    importlib.import_module(name)
print(f"{len(wanted)} modules import")
