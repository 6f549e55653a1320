"""Results drawn: a terminal table, CSV, and one self-contained HTML page, all from the JSON document of a bench run."""

import sys
from types import ModuleType
from typing import Any

from rockbottom.report.comma import csv_of
from rockbottom.report.page import page_of
from rockbottom.report.terminal import text_of

__all__ = ["csv_of", "page_of", "text_of"]


class _Callable(ModuleType):
    """Keeps ``rockbottom.report(client)`` working when this package, which bears the same name, was imported."""

    def __call__(self, client: Any) -> Any:
        from rockbottom.client import report  # the packages of the page and the tables do not need it

        return report(client)


sys.modules[__name__].__class__ = _Callable
