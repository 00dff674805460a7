"""What the keys of a DVS network of the SEW repository say: from `conv.0.0.module.0.weight` on.

Indices under `conv` count every module. Those without keys are max pools (and the last, Flatten, which has none
either), so where pools stand is known but for one behind the last block, and how large they are is not.
"""

import re
from dataclasses import dataclass
from enum import Enum

from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import Shape
from snn2chip.readers.checkpoint import Container

READOUT = "out"


class PartKind(Enum):
    """UNIT: conv-bn-neuron. BLOCK: two of them. BASIC: the second one's neuron comes after the sum. POOL."""

    UNIT = "unit"
    BLOCK = "block"
    BASIC = "basic"
    POOL = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The module `conv.<index>`."""

    path: str
    kind: PartKind


_UNIT = re.compile(r"conv\.(\d+)\.0\.module\.0\.weight")
_BLOCK = re.compile(r"conv\.(\d+)\.conv\.1\.0\.module\.0\.weight")
_BASIC = re.compile(r"conv\.(\d+)\.conv\.1\.module\.0\.weight")


def is_dvs(container: Container) -> bool:
    """Whether the keys are those of such a network, with at least one block."""
    keys = container.tensors
    return "out.weight" in keys and any(_BLOCK.fullmatch(k) or _BASIC.fullmatch(k) for k in keys)


def parts_of(container: Container) -> tuple[Part, ...]:
    """The parts in order, with a pool at every index without keys."""
    marks = ((_UNIT, PartKind.UNIT), (_BLOCK, PartKind.BLOCK), (_BASIC, PartKind.BASIC))
    found = {
        int(m[1]): kind
        for key in container.tensors
        for mark, kind in marks
        if (m := mark.fullmatch(key))
    }
    present = {int(m[1]) for k in container.tensors if (m := re.match(r"conv\.(\d+)\.", k))}
    strange = sorted(present - found.keys())
    if strange or not found:
        at = f"conv.{strange[0]}" if strange else "conv"
        raise Snn2ChipError(
            "checkpoint-missing-key",
            f"{container.path}: {at}.*",
            "has no convolutions of a block or of conv-bn-neuron",
            need="conv.0.0.module.0.weight, conv.1.conv.0.0.module.0.weight, …",
        )
    return tuple(
        Part(path=f"conv.{i}", kind=found.get(i, PartKind.POOL)) for i in range(max(found) + 1)
    )


def with_pools(
    container: Container,
    parts: tuple[Part, ...],
    frame: Shape,
    channels: int,
    pools: tuple[int, ...],
) -> tuple[tuple[Part, ...], tuple[int, ...], tuple[int, int]]:
    """(parts with the last pool if there is one, size of each pool, last map) such that `out.weight` fits.

    `channels` of the last map; `pools` as said: one size for all, or one for each. An error where nothing fits.
    """
    last = Part(path=f"conv.{len(parts)}", kind=PartKind.POOL)
    features = (container.tensors["out.weight"].shape or (0,))[-1]
    tried: list[str] = []
    for candidate in ((*parts, last), parts):
        count = sum(p.kind is PartKind.POOL for p in candidate)
        sizes = pools * count if len(pools) == 1 else pools
        if len(sizes) != count:
            tried.append(f"{count} pools")
            continue
        rows, columns = frame[1:]
        for k in sizes:
            rows, columns = rows // k, columns // k
        if channels * rows * columns == features:
            return candidate, sizes, (rows, columns)
        tried.append(f"{channels}x{rows}x{columns} after {count} pools of {list(pools)}")
    raise Snn2ChipError(
        "input-shape",
        "input",
        f"the last map does not fit out.weight of {container.path} for frames of "
        f"{frame[1]} x {frame[2]}",
        have=" or ".join(tried),
        need=f"{features} values",
        help="give --option k_pool=K or k_pool=[K,K,…], or another --shape; is --layout right?",
    )
