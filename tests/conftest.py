"""What several folders of tests share."""

import pytest
from hypothesis import settings

# What hypothesis draws is judged by what comes out, not by how busy the machine is.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def lava() -> None:
    """Lava's environment, as `snn2chip lava setup` makes it: at once where it is there already."""
    from snn2chip.engines.lava.setup import setup

    setup()
