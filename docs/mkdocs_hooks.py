"""What `mkdocs build` does beside Markdown: pages of the repository's own files, and links that lead to them.

Pages link to files outside docs/ (examples, target files, CONTRIBUTING.md), as a reader of the repository wants it. In
the site each such file is a page: Markdown as it is, anything else as a block of code under `source/`.
"""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
OWN_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LANGUAGES = {".py": "python", ".toml": "toml"}

LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Add a page for each file outside docs/ that pages link to."""
    for name, page in OWN_PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=relinked(text, ROOT / name, page)))
    pages = [*DOCS.rglob("*.md"), *(ROOT / name for name in OWN_PAGES)]
    for path in sorted({target for page in pages for target in targets(page)}):
        files.append(File.generated(config, site_path(path), content=source_page(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with its links to files outside docs/ turned to their pages."""
    if page.file.generated_by:
        return markdown
    return relinked(markdown, DOCS / page.file.src_uri, page.file.src_uri)


def targets(page: Path) -> set[Path]:
    """Files outside docs/, without pages of their own, that a page links to."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    found = {(page.parent / link).resolve() for link in LINK.findall(text)}
    outside = {path for path in found if path.is_file() and not path.is_relative_to(DOCS)}
    return {path for path in outside if str(path.relative_to(ROOT)) not in OWN_PAGES}


def site_path(path: Path) -> str:
    """Where a file of the repository is in the site."""
    if path.is_relative_to(DOCS):
        return str(path.relative_to(DOCS))
    name = str(path.relative_to(ROOT))
    return OWN_PAGES.get(name, f"source/{name.removesuffix('.md')}.md")


def source_page(path: Path) -> str:
    """A file as a page: Markdown as it is, anything else as code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return relinked(text, path, site_path(path))
    return f"# {path.relative_to(ROOT)}\n\n````{LANGUAGES.get(path.suffix, '')}\n{text}````\n"


def relinked(text: str, path: Path, page: str) -> str:
    """`text`, written at `path`, with links as `page` of the site needs them."""
    spans = [m.span() for m in FENCED.finditer(text)]

    def link(match: re.Match[str]) -> str:
        target = (path.parent / match[1]).resolve()
        if any(a <= match.start() < b for a, b in spans) or not target.is_file():
            return match[1]
        return os.path.relpath(site_path(target), Path(page).parent)

    return LINK.sub(link, text)
