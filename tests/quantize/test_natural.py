"""The cost of rounding networks with natural weights stands in a table, and changes only on purpose."""

import pytest

from tests.quantize.natural import NAMES, golden, row


def test_every_natural_case_stands_in_the_table():
    assert set(golden()) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_rounding_costs_what_the_table_says(name):
    assert row(name) == golden()[name]
