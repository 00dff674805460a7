"""The page in a real browser: it lays out, sorts, and looks as meant in light, dark and on a narrow screen."""

import json
import re
from dataclasses import replace

import pytest
from PIL import Image

from snn2chip.report.accuracy import render_accuracy
from snn2chip.report.render import render
from tests.report import axe
from tests.report.browser import browse

PROBE = """<script>
const buttons = [...document.querySelectorAll("#layers thead button")];
const head = buttons.find((b) => b.textContent.includes("neurons"));
const rows = () => [...document.querySelectorAll("#layers tbody tr")];
const column = () => rows().map((r) => Number(r.cells[3].dataset.v));
const sorted = () => head.closest("th").getAttribute("aria-sort");
head.click();
const up = [column(), sorted()];
head.click();
const down = [column(), sorted()];
buttons[0].click();
const names = rows().map((r) => r.cells[0].textContent);
const lit = () => [...document.querySelectorAll(".branch.on")].map((b) => b.dataset.rows);
const row = document.querySelectorAll(".network li")[1];
row.dispatchEvent(new MouseEvent("mouseenter"));
const on = lit();
row.dispatchEvent(new MouseEvent("mouseleave"));
const off = lit();
dispatchEvent(new Event("beforeprint"));
document.title = JSON.stringify({
  wide: document.documentElement.scrollWidth > innerWidth, up, down, names, on, off,
  folded: [...document.querySelectorAll("details")].filter((d) => !d.open).length,
  slices: [...document.querySelectorAll(".network svg")].map((s) => s.viewBox.baseVal.y),
  rows: [...document.querySelectorAll(".network li")].map((li) => li.getBoundingClientRect().height),
});
</script>"""


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_lays_out_and_sorts(made, chromium, tmp_path, width):
    page = tmp_path / "report.html"
    page.write_text(render(made.data).replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    dom = browse(chromium, tmp_path, f"--window-size={width},900", "--dump-dom", page.as_uri())
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    seen = json.loads(title[1])
    assert not seen["wide"], "the page must not scroll sideways; tables scroll in their boxes"
    up, down = seen["up"], seen["down"]
    assert up == [sorted(up[0]), "ascending"]
    assert down == [sorted(up[0], reverse=True), "descending"]
    assert seen["names"] == sorted(r.name for r in made.data.layers)
    own = [b for b in made.data.picture.branches if 1 in (b.source, *b.targets)]
    assert seen["on"] == [" ".join(map(str, (b.source, *b.targets))) for b in own]
    assert seen["on"] and not seen["off"]
    assert seen["folded"] == 0, "nothing stays folded on paper"
    assert seen["slices"] == [44 * i for i in range(len(made.data.picture.nodes))]
    assert set(seen["rows"]) == {44}, "rows of the picture and its lines must keep together"


MEASURED = """<script>
const right = (e) => e.getBoundingClientRect().right;
const box = document.querySelector("#layers table").closest(".scroll");
document.title = JSON.stringify({
  inside: Math.max(...[...document.querySelectorAll("caption, p")].map(right)) - innerWidth,
  cut: box.scrollWidth - box.clientWidth,
  names: [...document.querySelectorAll("#layers tbody th")].map((e) => e.textContent),
});
</script>"""


@pytest.mark.parametrize("width", [1200, 1440])
def test_long_names_push_nothing_out_of_the_window(made, chromium, tmp_path, width):
    names = [f"layer{i}.execute.0.spike_func@2" for i, _ in enumerate(made.data.layers)]
    rows = [replace(r, name=n) for r, n in zip(made.data.layers, names, strict=True)]
    page = tmp_path / "report.html"
    text = render(replace(made.data, layers=tuple(rows)))
    page.write_text(text.replace("</body>", f"{MEASURED}</body>"), encoding="utf-8")
    dom = browse(chromium, tmp_path, f"--window-size={width},900", "--dump-dom", page.as_uri())
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    seen = json.loads(title[1])
    assert seen["inside"] <= 0, "a sentence ends inside the window, however wide its table is"
    assert seen["cut"] == 0, "the table of layers is seen whole"
    assert seen["names"] == names, "a name that may break is copied as it is"


@pytest.mark.parametrize(
    ("which", "theme", "verdict", "ground"),
    [
        ("made", "light", (0xD9, 0xF5, 0xE1), (0xFF, 0xFF, 0xFF)),
        ("made", "dark", (0x12, 0x30, 0x1E), (0x0F, 0x13, 0x19)),
        ("failed", "light", (0xFF, 0xE3, 0xE3), (0xFF, 0xFF, 0xFF)),
    ],
)
def test_the_verdict_is_what_one_sees_first(
    which, theme, verdict, ground, request, chromium, tmp_path
):
    made = request.getfixturevalue(which)
    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    page.write_text(render(made if which == "failed" else made.data), encoding="utf-8")
    dark = ["--blink-settings=preferredColorScheme=0"] if theme == "dark" else []
    browse(
        chromium,
        tmp_path,
        *dark,
        "--window-size=1280,900",
        f"--screenshot={picture}",
        page.as_uri(),
    )
    with Image.open(picture) as image:
        pixels = image.convert("RGB")
        counted = {colour: n for n, colour in pixels.getcolors(1 << 20) or []}
    assert max(counted, key=lambda c: counted[c]) == ground
    assert counted.get(verdict, 0) > 20_000


@pytest.mark.parametrize(
    ("which", "theme"),
    [(page, theme) for page in ("report", "accuracy") for theme in ("light", "dark")],
)
def test_axe_finds_nothing(made, lossy, chromium, tmp_path, which, theme):
    page = render(made.data) if which == "report" else render_accuracy(lossy, "net", "loihi2")
    found = axe.check(chromium, tmp_path, page, dark=theme == "dark")
    assert found["dark"] == (theme == "dark")
    assert found["violations"] == []
    looked_at = {"color-contrast", "landmark-unique", "svg-img-alt", "heading-order"}
    assert looked_at <= set(found["passes"])


def test_axe_finds_what_is_taken_away(lossy, chromium, tmp_path):
    """A check that cannot fail says nothing: a picture without a name, a pale colour, a page without a language."""
    page = render_accuracy(lossy, "net", "loihi2")
    broken = re.sub(r'role="img" aria-label="[^"]*"', 'role="img"', page)
    broken = broken.replace("--muted: #59636e", "--muted: #c0c5ca").replace(' lang="en"', "")
    found = axe.check(chromium, tmp_path, broken)
    assert {"svg-img-alt", "color-contrast", "html-has-lang"} <= {v[0] for v in found["violations"]}
