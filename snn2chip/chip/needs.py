"""What tiles of a population need of a core of the target, by its format."""

from collections.abc import Iterable, Mapping, Sequence

from snn2chip.arrays import IntArray
from snn2chip.chip import needs_loihi1, needs_loihi2
from snn2chip.chip.formats.format import ONE_TILE
from snn2chip.chip.layer import Layer, Needs
from snn2chip.chip.target import Target
from snn2chip.circuit.types import Shape


def needs_of(layer: Layer, target: Target, sizes: Sequence[IntArray]) -> tuple[Needs, ...]:
    """Needs of the largest tile for all `sizes` (of channels, of rows, of columns), but for what its spikes take.

    One for each way in which the target can store a tile; a tile fits where one of them does.
    """
    if target.format == "loihi1":
        return needs_loihi1.needs_of(layer, target, sizes)
    return (needs_loihi2.needs_of(layer, target, sizes),)


def outgoing_of(
    layer: Layer, target: Target, size: Shape, needs: Mapping[str, int]
) -> dict[str, int]:
    """What the spikes of the tile with the most destinations take, for tiles of one size with these other `needs`."""
    if target.format == "loihi1":
        return needs_loihi1.outgoing_of(layer, size)
    return needs_loihi2.outgoing_of(layer, size, needs["total_words"])


def needs_of_each(layer: Layer, target: Target, size: Shape) -> Needs | None:
    """All needs of each tile, for tiles of one size: [channels, rows, columns of tiles]. Packing never takes more.

    None where a core of the target's format holds one tile.
    """
    return None if target.format in ONE_TILE else needs_loihi2.needs_of_each(layer, target, size)


def room_of(target: Target, needs: Iterable[str]) -> dict[str, int]:
    """How much of each of these `needs` a core has room for: by its limits, and by what its fields can number."""
    return {name: needs_loihi2.room_of(target, name) for name in needs}
