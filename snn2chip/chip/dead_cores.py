"""Lists of cores in a target file: those that programs cannot use."""

import re

_CORES = re.compile(r"(?:(\d+):)?(\d+)(?:-(\d+))?")


def dead_cores(text: str) -> tuple[tuple[int | None, int], ...] | None:
    """(chip, core) of every core that `text` lists, chip None where it names none; None where it is no such list.

    >>> dead_cores("3, 120-122")
    ((None, 3), (None, 120), (None, 121), (None, 122))
    >>> dead_cores("0:3, 5:7-8")
    ((0, 3), (5, 7), (5, 8))
    >>> dead_cores(""), dead_cores("7-3"), dead_cores("all")
    ((), None, None)
    """
    found: list[tuple[int | None, int]] = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        match = _CORES.fullmatch(part)
        if match is None:
            return None
        chip, first, last = match.groups()
        if last is not None and int(last) < int(first):
            return None
        cores = range(int(first), int(last or first) + 1)
        found += [(None if chip is None else int(chip), core) for core in cores]
    return tuple(found)
