"""Import every module of the installed rockbottom; a module that needs an unnamed package fails here."""

import importlib
import importlib.util
import pkgutil

import rockbottom

names = [module.name for module in pkgutil.walk_packages(rockbottom.__path__, "rockbottom.")]
# rockbottom.testing is for pytest, which only those have who use it.
wanted = [name for name in names if importlib.util.find_spec("pytest") or not name.startswith("rockbottom.testing.")]
for name in wanted:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(f"{len(wanted)} modules import")
