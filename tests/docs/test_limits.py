"""What docs/limits.md says of Loihi 2's numbers is what its target file holds."""

import re
from collections import Counter
from pathlib import Path

from snn2chip.chip.target import load_target
from snn2chip.chip.target_keys import Status
from snn2chip.training.datasets import LOADERS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_counts_of_published_and_assumed_numbers() -> None:
    said = re.search(
        r"Of the (\d+) numbers .*, (\d+) are published, (\d+) fitted, (\d+) assumed",
        (DOCS / "limits.md").read_text(),
    )
    assert said is not None
    numbers = load_target("loihi2").quantities
    found = Counter(q.status for q in numbers.values())
    kinds = (Status.PUBLISHED, Status.FITTED, Status.ASSUMED)
    assert [int(n) for n in said.groups()] == [len(numbers), *(found[k] for k in kinds)]


def test_the_data_sets_of_fine_tuning() -> None:
    page = (DOCS / "fine-tuning.md").read_text()
    line = page.split("**Data sets are known by name only**")[1].split("(")[0]
    assert re.findall(r"`(\w+)`", line) == list(LOADERS)
