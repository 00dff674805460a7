"""How many blocks each stage has, which the numbers in the keys say."""

import re

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.checkpoint import Container


def blocks_of(container: Container, key: "re.Pattern[str]", path: str) -> tuple[int, ...]:
    """Blocks in each stage; `key` finds (stage from 1, block from 0), `path` names a block with these two numbers.

    A gap in the numbers is an error; () where no key is found.
    """
    found = {(int(m[1]), int(m[2])) for k in container.tensors if (m := key.fullmatch(k))}
    stages = max((i for i, _ in found), default=0)
    counts = [1 + max((j for i, j in found if i == s + 1), default=0) for s in range(stages)]
    wanted = {(s + 1, j) for s, count in enumerate(counts) for j in range(count)}
    if wanted != found:
        missing = path.format(*min(wanted ^ found))
        raise Snn2ChipError(
            "checkpoint-missing-key",
            f"{container.path}: {missing}.*",
            "is missing, though later ones are there",
        )
    return tuple(counts)
