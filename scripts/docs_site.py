"""Makes the site of the documents in site/ and follows every link of it: `make docs-site`.

    scripts/docs_site.py FOLDER      the environment that zensical is installed in

docs/ stays as it is read on a forge: here a copy of it gets its navigation from the lists of the README.md files, and a
link that leaves docs/ becomes the path in the source that it names. Fails where a document is in no list, where
zensical warns, and where a link or an anchor of a page leads nowhere.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

REPO = Path(__file__).resolve().parent.parent
SECTIONS = {
    "tutorial": "Tutorial", "how-to": "How-to", "reference": "Reference", "explanation": "Explanation",
    "decisions": "Decisions",
}  # fmt: skip
_GROUP = re.compile(r"^## (.+)$")
_ITEM = re.compile(r"^(?:- |\d+\. |\|[^\n]*?)\[([^\]]+)\]\(([\w.-]+\.md)\)", re.M)
_LINK = re.compile(r"\[([^\]]*)\]\((\.\.?/[^)#\s]*)(#[^)\s]*)?\)")
_SETTINGS = """
[project]
site_name = "rockbottom"
site_description = "The lowest honest bill for Amazon Bedrock"
docs_dir = "docs"
site_dir = "out"
use_directory_urls = false
copyright = "rockbottom, Apache License 2.0"
nav = [
{nav}
]

[project.theme]
font = false
language = "en"
features = [
  "content.code.copy", "navigation.indexes", "navigation.sections", "navigation.tabs", "navigation.top",
  "navigation.footer", "search.highlight", "toc.follow",
]

[[project.theme.palette]]
media = "(prefers-color-scheme)"
toggle.icon = "lucide/sun-moon"
toggle.name = "As the system"

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle.icon = "lucide/sun"
toggle.name = "Light"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle.icon = "lucide/moon"
toggle.name = "Dark"
"""


def listed(folder: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    """The documents of a folder with their titles, by the headings of its README.md ("": before the first), in order.

    Raises ValueError where one is not listed there.
    """
    groups: list[tuple[str, list[tuple[str, str]]]] = [("", [])]
    for line in (folder / "README.md").read_text(encoding="utf-8").splitlines():
        if group := _GROUP.match(line):
            groups.append((group[1], []))
        elif item := _ITEM.match(line):
            groups[-1][1].append((item[1], item[2]))
    names = {name for _, items in groups for _, name in items}
    lacking = {path.name for path in folder.glob("*.md")} - names - {"README.md"}
    if lacking:
        raise ValueError(f"{folder.name}/README.md does not list {', '.join(sorted(lacking))}")
    return [(title, items) for title, items in groups if items]


def navigation(docs: Path) -> str:
    """What stands in `nav`, as TOML."""
    lines = ['  {Home = "README.md"},']
    for name, title in SECTIONS.items():
        entries = [f'"{name}/README.md"']
        for group, items in listed(docs / name):
            pages = [f"{{{_quoted(text)} = {_quoted(f'{name}/{file}')}}}" for text, file in items]
            entries += [f"{{{_quoted(group)} = [{', '.join(pages)}]}}"] if group else pages
        lines.append(f"  {{{_quoted(title)} = [{', '.join(entries)}]}},")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "'").replace("`", "") + '"'


def within(text: str, page: Path, docs: Path) -> str:
    """A document with the links that leave docs/ as the paths that they name in the source."""

    def said(link: re.Match[str]) -> str:
        target = (page.parent / link[2]).resolve()
        if target.is_relative_to(docs):
            return link[0]
        path = target.relative_to(docs.parent).as_posix()
        return link[1] if link[1].strip("`") in (path, f"{path}/") else f"{link[1]} (`{path}` in the source)"

    return _LINK.sub(said, text)


class _Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {given[name] or "" for name in ("id", "name") if name in given}
        for name in ("href", "src"):
            if given.get(name) and not (tag == "link" and given.get("rel") == "canonical"):
                self.links.append(str(given[name]))


def parsed(site: Path) -> dict[Path, _Page]:
    """Every page of a site."""
    pages: dict[Path, _Page] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = _Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    return pages


def dead_links(site: Path) -> Iterator[str]:
    """Each link of a page that leads to no file or anchor of the site; and whatever a page loads from elsewhere."""
    pages = parsed(site)
    for path, page in pages.items():
        for link in page.links if path.name != "404.html" else ():
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data", "javascript"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{path.relative_to(site)}: {link}"
            elif parts.fragment and target in pages and not _has(pages, target, unquote(parts.fragment)):
                yield f"{path.relative_to(site)}: {link} (no such anchor)"


def _has(pages: Mapping[Path, _Page], path: Path, anchor: str) -> bool:
    return anchor in pages[path].anchors


def build(docs: Path, environment: Path, site: Path) -> list[str]:
    """Make the site; what is wrong with it. Raises CalledProcessError where zensical refuses or warns."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "docs"
        shutil.copytree(docs, copy)
        for page in docs.rglob("*.md"):
            (copy / page.relative_to(docs)).write_text(within(page.read_text("utf-8"), page, docs), encoding="utf-8")
        (Path(scratch) / "zensical.toml").write_text(_SETTINGS.format(nav=navigation(docs)), encoding="utf-8")
        subprocess.run([environment / "bin" / "zensical", "build", "--clean", "--strict"], cwd=scratch, check=True)
        shutil.rmtree(site, ignore_errors=True)
        shutil.move(Path(scratch) / "out", site)
    return list(dead_links(site.resolve()))


def main() -> int:
    """Exits with 1 where a link leads nowhere."""
    site = REPO / "site"
    try:
        wrong = build(REPO / "docs", Path(sys.argv[1]).resolve(), site)
    except (subprocess.CalledProcessError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for line in wrong:
        print(line, file=sys.stderr)
    if not (site / "search.json").is_file():
        print("the site has no index to search", file=sys.stderr)
        return 1
    pages = len(list(site.rglob("*.html")))
    print(f"{pages} pages in site/, {len(wrong)} links that lead nowhere", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
