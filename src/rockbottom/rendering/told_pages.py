"""What pages of sentences and tables share: no network, no script, light and dark, readable on a phone."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from rockbottom.figures import page_colours

_STYLE = """
body{background:var(--ground);color:var(--ink)}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
details{border-top:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer;font-weight:600;font-size:1.15rem}
details p{overflow-wrap:anywhere}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right;font-variant-numeric:tabular-nums}
th{font-weight:600}th:first-child,td:first-child{text-align:left}
.bar{display:flex;height:.9rem;min-width:9rem;background:var(--panel)}.bar i{display:block}
.read{background:var(--read)}.write{background:var(--write)}.plain{background:var(--uncached)}
.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}
@media(max-width:40rem){td,th{padding:.3rem .35rem}
table.told thead{display:none}
table.told tr{display:flex;flex-wrap:wrap;gap:0 .9rem;padding:.4rem 0;border-bottom:1px solid var(--line)}
table.told td{border:0;padding:0;text-align:left}
table.told td:first-child{flex-basis:100%;font-weight:600;overflow-wrap:anywhere}
table.told td[data-head]::before{content:attr(data-head) " ";color:var(--soft)}}
"""


class Html(str):
    """Markup already; not to be escaped."""


def page_start(title: str, heading: str, *, style: str = "") -> str:
    """A page up to the end of its heading; ``style`` is what this page needs besides."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{page_colours()}{_STYLE}{style}</style><h1>{escape(heading)}</h1>"
    )


def told_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table that a narrow screen shows as a block a row, each cell behind its head."""
    yield '<div class="wide"><table class="told"><thead><tr>'
    yield f"{''.join(f'<th>{escape(head)}' for head in heads)}</thead><tbody>"
    for row in rows:
        cells = (cell if isinstance(cell, Html) else escape(cell) for cell in row)
        first, *others = cells
        rest = "".join(f'<td data-head="{escape(head)}">{cell}' for head, cell in zip(heads[1:], others, strict=True))
        yield f"<tr><td>{first}{rest}</tr>"
    yield "</tbody></table></div>"


def bar(counts: dict[str, int], whole: int) -> str:
    """Parts of a whole side by side, each in the colour of its kind."""
    widths = {name: 100 * count / (whole or 1) for name, count in counts.items()}
    return f'<span class="bar">{"".join(f"<i class={n!r} style=width:{w:.2f}%></i>" for n, w in widths.items())}</span>'


def paragraphs(sentences: Iterable[str], kind: str = "") -> Iterator[str]:
    """A paragraph for each sentence."""
    mark = f' class="{kind}"' if kind else ""
    yield from (f"<p{mark}>{escape(sentence)}</p>" for sentence in sentences)
