"""The script that makes the site of the documents: its navigation, links that leave docs/, links that are dead."""

from pathlib import Path

import pytest
from scripts.docs_site import dead_links, listed, navigation, within

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_document_is_in_the_navigation():
    """Under its title, in the order of the lists; a how-to below the heading of its group."""
    text = navigation(DOCS)
    for path in DOCS.rglob("*.md"):
        assert f'"{path.relative_to(DOCS).as_posix()}"' in text
    assert '{"Turn it on" = [{"Put rockbottom on a live client" = "how-to/attach.md"}' in text


def test_a_document_that_no_list_names_is_an_error(tmp_path):
    """So that none is left out by chance."""
    (tmp_path / "README.md").write_text("- [One](one.md)\n")
    (tmp_path / "one.md").touch()
    assert listed(tmp_path) == [("", [("One", "one.md")])]
    (tmp_path / "two.md").touch()
    with pytest.raises(ValueError, match=r"does not list two\.md"):
        listed(tmp_path)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("[notes](../other.md)", "[notes](../other.md)"),
        ("[the chart](../../deploy/helm)", "the chart (`deploy/helm` in the source)"),
        ("[deploy/](../../deploy/)", "deploy/"),
        ("[far](https://example.com/../x)", "[far](https://example.com/../x)"),
    ],
)
def test_what_lies_outside_of_the_documents_is_named_by_its_path(link, said):
    """A page of the site cannot lead there."""
    assert within(f"See {link}.", DOCS / "how-to" / "page.md", DOCS) == f"See {said}."


def test_a_link_or_an_anchor_that_leads_nowhere_is_found(tmp_path):
    """Folders lead to their index; other hosts are not asked."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "index.html").write_text('<h1 id="top">B</h1><a href="../a.html#here">a</a><img src="no.png">')
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="b/#top">b</a><a href="b/#gone">x</a><a href="http://x/y">y</a>'
    )
    assert list(dead_links(tmp_path)) == ["a.html: b/#gone (no such anchor)", "b/index.html: no.png"]
