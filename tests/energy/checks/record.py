"""Run NeuroBench and SANA-FE, and write what they say to tests/data/energy_checks.json and docs/energy-checks.md.

    make energy-checks

Both tools must be importable (requirements.txt beside this file); a minute on two cores, 4 GB.
"""

import json
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.energy.checks import subjects, with_neurobench, with_sanafe
from tests.energy.checks.page import PAGE, page

SENT = [1, 4, 5]
"""Steps of the spikes that wait one step in SANA-FE's dendrite."""


def main() -> None:
    """Both tools, then the page."""
    with tempfile.TemporaryDirectory() as scratch:
        networks = {
            name: with_neurobench.count_network(subjects.network(name), Path(scratch))
            for name in subjects.NETWORKS
        }
    run, program, _ = subjects.small_program()
    found = {
        "versions": {tool: version(tool) for tool in ("neurobench", "sanafe")},
        "neurobench": networks,
        "sanafe": {
            "conv": with_sanafe.simulate(run, program),
            "dense": with_sanafe.simulate(run, program, dense=with_sanafe.DENSE),
            "delay": {"sent": SENT, "heard": with_sanafe.heard_with_delay(SENT, 1)},
        },
    }
    subjects.RECORDED.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(page(found))


if __name__ == "__main__":
    main()
