"""What several folders of tests share."""

import pytest


@pytest.fixture(scope="session")
def lava() -> None:
    """Lava's environment, as `snn2chip lava setup` makes it: at once where it is there already."""
    from snn2chip.engines.lava.setup import setup

    setup()
