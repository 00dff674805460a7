"""The site builds without a warning, every page is in it, and it fetches nothing."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
NOT_FETCHED = {"canonical", "next", "prev"}
"""Relations of <link> that only name an address."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", out],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return out


class Addresses(HTMLParser):
    """What a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in FETCHED and given.get("rel") not in NOT_FETCHED:
            self.found.append(given.get(FETCHED[tag]) or "")


def test_every_page_is_in_the_site(site):
    made = {p.relative_to(site).with_suffix(".md") for p in site.rglob("*.html")}
    docs = {p.relative_to(ROOT / "docs") for p in (ROOT / "docs").rglob("*.md")}
    missing = docs - made - {Path("README.md")}  # index.html
    assert not missing
    assert {Path("contributing.md"), Path("changelog.md"), Path("index.md")} <= made


def test_nothing_is_fetched_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        reader = Addresses()
        reader.feed(page.read_text(encoding="utf-8"))
        assert reader.found
        assert not [a for a in reader.found if re.match(r"(https?:)?//", a)], page


def test_styles_fetch_nothing(site):
    for style in site.rglob("*.css"):
        addresses = re.findall(r"url\(([^)]*)\)", style.read_text(encoding="utf-8"))
        assert not [a for a in addresses if re.match(r"[\"']?(https?:)?//", a)], style
        assert "@import" not in style.read_text(encoding="utf-8")


def test_links_to_files_of_the_repository_lead_to_their_pages(site):
    page = (site / "live-modules.html").read_text(encoding="utf-8")
    (link,) = re.findall(r'href="(source/examples/\w*spikingjelly_module\.py\.html)"', page)
    assert "class" in (site / link).read_text(encoding="utf-8")
    home = (site / "contributing.html").read_text(encoding="utf-8")
    assert 'href="targets.html"' in home
