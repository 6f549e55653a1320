"""Results drawn: a terminal table, CSV, and one self-contained HTML page, all from the JSON document of a bench run."""

from rockbottom.rendering.comma import csv_of
from rockbottom.rendering.page import page_of
from rockbottom.rendering.terminal import text_of

__all__ = ["csv_of", "page_of", "text_of"]
