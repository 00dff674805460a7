"""axe-core, the accessibility check of browsers, on a page of ours in headless Chromium."""

import html
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.report.browser import browse

DARK = "--blink-settings=preferredColorScheme=0"

PROBE = """<script>
document.querySelectorAll("details").forEach((d) => { d.open = true; });
axe.run(document, { resultTypes: ["violations"] }).then((found) => {
  document.title = JSON.stringify({
    violations: found.violations.map((v) => [v.id, v.nodes.map((n) => n.target.join(" "))]),
    passes: found.passes.map((p) => p.id),
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
  });
});
</script>"""


def check(chromium: str, folder: Path, page: str, *, dark: bool = False) -> dict[str, Any]:
    """`violations` (rule and places), `passes` (rules), whether the page was `dark`; what is folded is opened."""
    path = folder / "axe.html"
    probe = f"<script>{_axe()}</script>{PROBE}</body>"
    path.write_text(page.replace("</body>", probe), encoding="utf-8")
    words = ["--window-size=1280,900", "--virtual-time-budget=60000", *([DARK] if dark else [])]
    title = re.search(
        r"<title>(.*?)</title>", browse(chromium, folder, *words, "--dump-dom", path.as_uri())
    )
    assert title is not None
    return json.loads(html.unescape(title[1]))


def _axe() -> str:
    """The script, out of a package that carries it; the package itself is never imported."""
    found = find_spec("axe_playwright_python")
    assert found and found.submodule_search_locations, "make installs axe-playwright-python"
    return (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")
