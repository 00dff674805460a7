"""program.npz: the words of all cores in a few arrays. The same program gives the same bytes; nothing is unpickled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.placement import Placement
from snn2chip.chip.program import Coding, Core, Program, Schedule, Tile, Words
from snn2chip.circuit.types import Provenance, Shape
from snn2chip.codec import decode, encode
from snn2chip.errors import Snn2ChipError
from snn2chip.npz import Array, load_npz, save_npz

KIND = "program"
FORMAT = 5
MEMORIES = (
    "groups",
    "neurons",
    "synapses",
    "axons_in",
    "axon_map",
    "axon_memory",
    "parameters",
)
_INPUTS = ("input_map", "input_memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """A program without its words. `chips`, `tiles`: of each core; `senders`: keys of `input_axons`."""

    target: str
    format: str
    steps: int
    coding: Coding
    populations: tuple[str, ...]
    shapes: tuple[Shape, ...]
    on_host: tuple[str, ...]
    host_biases: tuple[str, ...]
    schedule: Schedule
    provenance: Provenance
    placement: Placement
    chips: tuple[int, ...]
    tiles: tuple[tuple[Tile, ...], ...]
    senders: tuple[str, ...]


def save(program: Program, path: Path) -> None:
    """Write `path` whole or not at all."""
    head = _Head(
        target=program.target,
        format=program.format,
        steps=program.steps,
        coding=program.coding,
        populations=program.populations,
        shapes=program.shapes,
        on_host=program.on_host,
        host_biases=program.host_biases,
        schedule=program.schedule,
        provenance=program.provenance,
        placement=program.placement,
        chips=tuple(core.chip for core in program.cores),
        tiles=tuple(core.tiles for core in program.cores),
        senders=tuple(program.input_axons),
    )
    tree, found = encode(head)
    arrays: dict[str, Array] = dict(found)
    for name in MEMORIES:
        arrays |= _stored(name, [getattr(core, name) for core in program.cores])
    for i, name in enumerate(_INPUTS):
        arrays |= _stored(name, [words[i] for words in program.input_axons.values()])
    save_npz(path, arrays, {"kind": KIND, "format": FORMAT, "program": tree})


def load(path: Path) -> Program:
    """The program in `path`. Errors: Snn2ChipError file-unreadable, file-garbled, file-version, file-checksum."""
    arrays, header = load_npz(path, KIND, version=FORMAT)
    try:
        return _program(decode(_Head, header["program"], arrays), arrays)
    except (ValueError, KeyError, IndexError) as e:
        raise Snn2ChipError(
            "file-garbled", str(path), f"does not hold a program: {e}", help="map the network again"
        ) from e


def _program(head: _Head, arrays: Mapping[str, Array]) -> Program:
    memories = {name: _parts(name, arrays) for name in MEMORIES}
    count = len(head.tiles)
    if any(len(parts) != count for parts in (*memories.values(), head.chips)):
        raise ValueError("memories of some cores are missing")
    maps, lists = (_parts(name, arrays) for name in _INPUTS)
    return Program(
        target=head.target,
        format=head.format,
        steps=head.steps,
        coding=head.coding,
        populations=head.populations,
        shapes=head.shapes,
        on_host=head.on_host,
        host_biases=head.host_biases,
        cores=tuple(
            Core(chip=chip, tiles=tiles, **{name: parts[i] for name, parts in memories.items()})
            for i, (chip, tiles) in enumerate(zip(head.chips, head.tiles, strict=True))
        ),
        input_axons=dict(zip(head.senders, zip(maps, lists, strict=True), strict=True)),
        schedule=head.schedule,
        provenance=head.provenance,
        placement=head.placement,
    )


def _stored(name: str, parts: Iterable[Words]) -> dict[str, Array]:
    """The distinct `parts` one after the other, where each begins, and which stands where: tiles share weights."""
    numbers: dict[bytes, int] = {}
    which = [numbers.setdefault(part.tobytes(), len(numbers)) for part in parts]
    first = np.cumsum([0, *(len(words) // 8 for words in numbers)])
    return {
        name: np.frombuffer(b"".join(numbers), np.uint64),
        f"{name}_first": first.astype(np.int64),
        f"{name}_which": np.array(which, np.int64),
    }


def _parts(name: str, arrays: Mapping[str, Array]) -> list[Words]:
    words, first, which = arrays[name], arrays[f"{name}_first"], arrays[f"{name}_which"]
    if words.dtype != np.uint64 or not _cuts(first, len(words)) or which.ndim != 1:
        raise ValueError(f"{name} does not fit its offsets")
    parts = [words[a:b] for a, b in pairwise(first.tolist())]
    if which.size and not 0 <= which.min() <= which.max() < len(parts):
        raise ValueError(f"{name} points to parts that are not there")
    return [parts[i] for i in which.tolist()]


def _cuts(first: IntArray, size: int) -> bool:
    return (
        first.ndim == 1
        and len(first) > 0
        and first[0] == 0
        and first[-1] == size
        and bool((np.diff(first) >= 0).all())
    )
