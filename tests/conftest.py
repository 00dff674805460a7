"""What several folders of tests share."""

import pytest
from hypothesis import settings

from tests.provoked import Provoked

# What hypothesis draws is judged by what comes out, not by how busy the machine is.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


def pytest_configure(config: pytest.Config) -> None:
    """A code of an error or a finding that no test provokes makes a run of all tests fail."""
    recorder = Provoked(codes_with_a_page)
    config.pluginmanager.register(recorder, "provoked")
    recorder.record()


def codes_with_a_page() -> list[str]:
    """All that `snn2chip explain` knows."""
    from snn2chip.codes import PAGES

    return [*PAGES]


@pytest.fixture(scope="session")
def lava() -> None:
    """Lava's environment, as `snn2chip lava setup` makes it: at once where it is there already."""
    from snn2chip.engines.lava.setup import setup

    setup()
