"""The page in a real browser: it lays out, sorts, and looks as meant in light, dark and on a narrow screen."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from snn2chip.report.render import render

PROBE = """<script>
const head = [...document.querySelectorAll("#layers thead button")].find((b) => b.textContent.includes("neurons"));
const column = () => [...document.querySelectorAll("#layers tbody tr")].map((r) => Number(r.cells[3].dataset.v));
head.click();
const up = column();
head.click();
document.title = JSON.stringify({
  wide: document.documentElement.scrollWidth > innerWidth, up, down: column(),
  rows: [...document.querySelectorAll(".network li")].map((li) => li.getBoundingClientRect().height),
});
</script>"""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, (
        "the report's test needs chromium: apt-get install chromium, or brew install chromium"
    )
    return found


def browse(chromium: str, folder: Path, *words: str) -> str:
    """Run headless chromium in a profile of its own; returns stdout."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
        "--disable-background-networking --disable-component-update --disable-sync "
        "--disable-dev-shm-usage --force-color-profile=srgb"
    )
    done = subprocess.run(
        [chromium, *flags.split(), f"--user-data-dir={folder / 'profile'}", *words],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_lays_out_and_sorts(made, chromium, tmp_path, width):
    page = tmp_path / "report.html"
    page.write_text(render(made.data).replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    dom = browse(chromium, tmp_path, f"--window-size={width},900", "--dump-dom", page.as_uri())
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    seen = json.loads(title[1])
    assert not seen["wide"], "the page must not scroll sideways; tables scroll in their boxes"
    assert seen["up"] == sorted(seen["up"])
    assert seen["down"] == sorted(seen["up"], reverse=True)
    assert set(seen["rows"]) == {44}, "rows of the picture and its lines must keep together"


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
