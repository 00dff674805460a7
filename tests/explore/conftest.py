"""The browser that looks at the page."""

from tests.report.conftest import chromium as chromium
