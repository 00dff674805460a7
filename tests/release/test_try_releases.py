"""The page names releases and results side by side."""

from tests.release.try_releases import Tried, page


def test_page_has_a_column_for_each_end():
    tried = [
        Tried("oldest", {"python": "3.11.7", "torch": "2.5.0"}, "9 passed in 2.00s", True),
        Tried("newest", {"python": "3.11.7", "torch": "2.14.1"}, "1 failed, 8 passed", False),
    ]
    lines = page(tried).splitlines()
    assert lines[4:7] == [
        "| package | oldest | newest |",
        "|---|---|---|",
        "| python | 3.11.7 | 3.11.7 |",
    ]
    assert "| torch | 2.5.0 | 2.14.1 |" in lines
    assert "| nir | – | – |" in lines
    assert lines[-1] == "| tests | 9 passed in 2.00s | 1 failed, 8 passed |"
