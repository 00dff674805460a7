"""One HTML page that needs nothing but itself: every page of ours is made here."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from snn2chip.energy.text import energy
from snn2chip.energy.text import number as count
from snn2chip.report.numbers import number, percent, shape_text

TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, **values: object) -> str:
    """The template, which extends base.html, with its styles, pictures and the few lines of script inside."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "count": count,
        "energy": energy,
        "shape": shape_text,
    }
    return environment.get_template(template).render(
        css=_text("style.css"), script=_text("report.js"), **values
    )


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
