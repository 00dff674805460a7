"""The import graph of the package, from the code itself: write the picture and the table of docs/architecture.md.

    python docs/make_architecture.py

Packages stand in the order of the import rules (pyproject.toml); a line leads from a package to one that it imports.
The picture leaves out what follows from other lines (a transitive reduction), the table has everything.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp

HERE = Path(__file__).parent
PAGE, PICTURE = HERE / "architecture.md", HERE / "images" / "imports.svg"
TABLE = re.compile(r"(?<=<!-- imports: begin -->\n).*(?=<!-- imports: end -->)", re.DOTALL)

Imports = Mapping[str, frozenset[str]]
"""Package or module of the top level -> those that it imports."""

ROW, LEFT, RIGHT = 26, 330, 150
"""Height of a row; room for the lines and for the names, in pixels."""


def imports() -> Imports:
    """Who imports whom, without imports for types alone."""
    graph = grimp.build_graph("snn2chip", exclude_type_checking_imports=True)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        importer = top(module)
        found.setdefault(importer, set()).update(
            top(other) for other in graph.find_modules_directly_imported_by(module)
        )
    found.pop("", None)
    return {name: frozenset(others - {name, ""}) for name, others in found.items()}


def top(module: str) -> str:
    """The package or module below snn2chip that holds `module`; empty for snn2chip itself."""
    return module.partition(".")[2].partition(".")[0]


def order(known: Imports) -> list[str]:
    """Packages from the command line down, as the import rules have them."""
    rules = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = rules["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["id"] == "levels")
    listed = [name for row in layers for name in re.findall(r"\w+", row)]
    return [name for name in listed if name in known]


def reduced(known: Imports) -> Imports:
    """Without what a package reaches through another one that it imports.

    That other one lies on no cycle with the two ends: of packages that import each other, each would be left out as
    reached through the other, and no line would lead to them.
    """
    ways = {name: reached(known, name) for name in known}

    def follows(start: str, end: str) -> bool:
        return any(
            end in ways[other] and start not in ways[other] and other not in ways[end]
            for other in known[start]
        )

    return {n: frozenset(o for o in others if not follows(n, o)) for n, others in known.items()}


def reached(known: Imports, start: str) -> frozenset[str]:
    """All that `start` imports, directly or not; `start` itself where it is on a cycle."""
    seen: set[str] = set()
    waiting = list(known[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(known[name])
    return frozenset(seen)


def picture(known: Imports) -> str:
    """The packages below each other, with an arc for every line, as SVG."""
    names = order(known)
    at = {name: i for i, name in enumerate(names)}
    lines = reduced({n: frozenset(o for o in known[n] if o in at) for n in names})
    width, height = LEFT + RIGHT, ROW * len(names) + 12
    arcs = [arc(at[n], at[o]) for n in names for o in sorted(lines[n], key=at.__getitem__)]
    texts = [f'<text x="{LEFT + 10}" y="{middle(i) + 5}">{n}</text>' for n, i in at.items()]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
            f' height="{height}" font-family="monospace" font-size="14">',
            "<title>Which package of snn2chip imports which</title>",
            f'<rect width="{width}" height="{height}" rx="6" fill="#fff"/>',
            '<g fill="none" stroke="#00796b" stroke-width="1.2">',
            *arcs,
            "</g>",
            *texts,
            "</svg>\n",
        ]
    )


def middle(row: int) -> int:
    """The height of a row's middle."""
    return 6 + ROW * row + ROW // 2


def arc(start: int, end: int) -> str:
    """An arc from the importer to what it imports, the wider the farther it goes, with a dot at its end."""
    a, b = middle(start), middle(end)
    out = LEFT - 14 - 0.55 * abs(b - a) ** 0.95
    curve = f'<path d="M {LEFT} {a} C {out:.0f} {a}, {out:.0f} {b}, {LEFT} {b}"/>'
    return f'{curve}<circle cx="{LEFT}" cy="{b}" r="2.5" fill="#00796b"/>'


def rows(known: Imports) -> Iterator[str]:
    """The table of all imports."""
    yield "| package | imports |"
    yield "|---|---|"
    names = order(known)
    for name in names:
        others = ", ".join(f"`{o}`" for o in names if o in known[name])
        yield f"| `{name}` | {others or 'nothing of snn2chip'} |"


def page(text: str, known: Imports) -> str:
    """The page with today's table."""
    table = "\n".join(rows(known)) + "\n"
    return TABLE.sub(lambda _: table, text)


if __name__ == "__main__":
    found = imports()
    PICTURE.write_text(picture(found), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    sys.stdout.write("docs/architecture.md, docs/images/imports.svg\n")
