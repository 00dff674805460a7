"""`explain`: the page of an error or finding."""

from dataclasses import dataclass

from snn2chip.codes import PAGES, Page
from snn2chip.errors import Snn2ChipError, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Pages by code."""

    pages: dict[str, Page]

    def lines(self) -> list[str]:
        """The page, or one line for each code."""
        if len(self.pages) == 1:
            ((code, page),) = self.pages.items()
            return [code, "", *page.lines()]
        return [f"{code:<22} {page.what}" for code, page in self.pages.items()]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {code: page.to_dict() for code, page in self.pages.items()}


def explain(code: str | None = None) -> Explained:
    """The page of `code`, or all pages."""
    if code is None:
        return Explained(pages=dict(PAGES))
    if code not in PAGES:
        raise Snn2ChipError(
            "code-unknown",
            code,
            "no error or finding has this code",
            help=did_you_mean(code, PAGES) or "see `snn2chip explain`",
        )
    return Explained(pages={code: PAGES[code]})
