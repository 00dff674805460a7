"""The page: whole, self-contained, accessible."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from snn2chip.report.data import Branch
from snn2chip.report.page import TEMPLATES
from snn2chip.report.render import branch_path, render

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
DRAWN = {"path", "circle"}


@pytest.fixture(scope="session")
def page(made) -> str:
    return render(made.data)


class Outline(HTMLParser):
    """Tags in order with their attributes; a tag that is closed by another is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.fixture(scope="session")
def outline(page) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    assert not parsed.open
    return parsed


def test_nothing_is_fetched(page, outline):
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page.replace("<!doctype html>", ""))
    assert not outline.all("link", "img", "iframe", "object")
    assert not [a for a in outline.all("script") if "src" in a]


def test_the_page_is_small(page):
    assert len(page.encode()) < 1_000_000


def test_the_same_data_gives_the_same_bytes(made, page):
    assert render(made.data) == page


def test_sections_come_in_reading_order_and_the_links_reach_them(outline):
    sections = [a["id"] for a in outline.all("section")]
    assert sections[0] == "verdict"
    links = [str(a["href"]) for a in outline.all("a")]
    assert links[1:-1] == [f"#{name}" for name in sections if name]
    assert links[-1].removeprefix("#") in [a.get("id") for a in outline.all("tr")]


def test_landmarks_names_and_table_heads(outline):
    assert [len(outline.all(tag)) for tag in ("main", "header", "footer", "nav", "h1")] == [1] * 5
    assert all(a.get("aria-labelledby") for a in outline.all("section"))
    named = [a for a in outline.all("svg", "nav") if a.get("aria-hidden") != "true"]
    assert all(a.get("aria-label") for a in named) and named
    assert all(a.get("scope") for a in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table"))


def test_every_layer_is_in_every_table(made, page):
    for layer in made.qc.populations:
        shown = layer.name.replace(".", ".<wbr>")
        assert page.count(f'<th scope="row">{shown}</th>') >= 2


def test_names_from_a_file_cannot_become_markup(made):
    hostile = replace(made.data, title="<script>alert(1)</script>", headline="<b>&")
    text = render(hostile)
    assert "<script>alert" not in text
    assert "&lt;b&gt;&amp;" in text


def test_a_verdict_that_fails_is_told_first(failed):
    text = render(failed)
    assert '<p class="verdict bad">' in text
    assert "NOT VERIFIED" in text
    assert "FAILS" in text
    assert "sn1, step 2, sample 1, neuron (3, 4, 5)" in text


def test_without_energy_and_spikes_the_page_says_so(made):
    text = render(replace(made.data, energy=None, rasters=()))
    assert "<code>snn2chip energy demo-build</code> estimates it for this input" in text
    assert "No layer fired on this input." in text


def test_a_branch_leaves_and_arrives_at_the_rail():
    path = branch_path(Branch(source=1, targets=(3,), lane=0), 40)
    assert path.startswith("M40 72")
    assert path.endswith("40 148")


THEMES = re.findall(r":root \{([^}]*--bg[^}]*)\}", (TEMPLATES / "style.css").read_text())


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark", "print"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("fg", "bg"),
        ("muted", "bg"),
        ("muted", "soft"),
        ("accent", "bg"),
        ("fg", "bar"),
        ("good", "good-bg"),
        ("bad", "bad-bg"),
        ("warn", "warn-bg"),
    ],
)
def test_text_is_readable(theme, text, ground):
    """WCAG 2.1, 1.4.3: a contrast of at least 4.5."""
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", theme))
    light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
