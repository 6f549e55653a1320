"""Import every module of the installed rockbottom; a module that needs an unnamed package fails here."""

import importlib
import pkgutil

import rockbottom

names = [module.name for module in pkgutil.walk_packages(rockbottom.__path__, "rockbottom.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(f"{len(names)} modules import")
