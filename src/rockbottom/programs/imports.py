"""Something done with a module right after it was imported, whoever imports it, with nothing imported before."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from typing import Any


def when_imported(name: str, hook: "Callable[[Any], None]") -> None:
    """Call ``hook`` with the module of this name: now where it is imported already, and after every import of it.

    ``hook`` must not raise: the import would fail.
    """
    _FINDER.hooks[name] = hook
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    module = sys.modules.get(name)
    if module is not None:
        hook(module)


class _Finder:
    """Finds nothing itself: what the others find is loaded by their loader, and the hook is called."""

    def __init__(self) -> None:
        self.hooks: dict[str, Callable[[Any], None]] = {}
        self._asking: set[str] = set()

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "ModuleSpec | None":
        hook = self.hooks.get(name)
        if hook is None or name in self._asking:
            return None
        self._asking.add(name)  # another finder may ask all of them, us among them
        try:
            spec = _found_by_others(name, path, target)
        finally:
            self._asking.discard(name)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            watched: Any = _Loader(spec.loader, hook)
            spec.loader = watched
        return spec


class _Loader:
    """A loader that is replaced by the real one as soon as it is asked to load."""

    def __init__(self, loader: "Any", hook: "Callable[[Any], None]") -> None:
        self._loader = loader
        self._hook = hook

    def __getattr__(self, name: str) -> "Any":
        if name.startswith("__") or name == "_loader":
            raise AttributeError(name)
        return getattr(self._loader, name)

    def create_module(self, spec: "ModuleSpec") -> "Any":
        return self._loader.create_module(spec)

    def exec_module(self, module: "Any") -> None:
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._hook(module)


def _found_by_others(name: str, path: "Any", target: "Any") -> "ModuleSpec | None":
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, path, target) if find is not None and finder is not _FINDER else None
        if spec is not None:
            return spec
    return None


_FINDER = _Finder()
