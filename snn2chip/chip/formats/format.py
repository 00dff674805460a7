"""What a packed format is: how the contents of a core become words, how they come back, and how many there are."""

from collections.abc import Sequence
from typing import Protocol

from snn2chip.chip.formats import loihi1, loihi2
from snn2chip.chip.formats.bits import Words
from snn2chip.chip.program import AxonTable, Connection, Core, CoreContents, Tile, Use
from snn2chip.chip.target import Target
from snn2chip.errors import StatementError


class Format(Protocol):
    """A module of `chip/formats`. What `unpack_core` takes back is exactly what `pack_core` makes.

    Values that no field holds are a `bits.FieldError`; words that no packing makes are a StatementError program-bytes.
    """

    def pack_core(
        self,
        contents: CoreContents,
        target: Target,
        *,
        chip: int,
        tiles: Sequence[Tile],
        synapses: Sequence[Words] | None = None,
    ) -> Core:
        """The core with these contents; `synapses`: of each connection in order, where they are packed already."""
        ...

    def unpack_core(self, core: Core, target: Target, where: str = "core") -> CoreContents:
        """What the words of `core` say."""
        ...

    def pack_synapses(self, connection: Connection, target: Target) -> Words:
        """The synapses of one connection; tiles of the same channels share them."""
        ...

    def pack_axons(self, table: AxonTable) -> tuple[Words, Words]:
        """The axon table of a map that the host sends."""
        ...

    def unpack_axons(
        self, axon_map: Words, axon_memory: Words, where: str = "input axons"
    ) -> AxonTable:
        """What these words say."""
        ...

    def count(self, core: Core, where: str = "core") -> Use:
        """Use of each limit `core.*` of a target of this format, counted from the words."""
        ...


PACKED: dict[str, Format] = {loihi1.NAME: loihi1, loihi2.NAME: loihi2}
"""Name -> format, of those in which programs can be packed."""


ONE_TILE = frozenset({loihi1.NAME})
"""Formats whose cores hold one tile: thresholds, sets of weights and rims are those of its tile."""

USED_TAPS_ONLY = frozenset({loihi1.NAME})
"""Formats that store a kernel position only where some position of the source reaches the tile by it."""


def format_of(name: str) -> Format:
    """The format of that name. Errors: StatementError program-format."""
    if name not in PACKED:
        raise StatementError(
            "program-format",
            "program",
            "is in a format that cannot be read",
            have=name,
            need=", ".join(PACKED),
        )
    return PACKED[name]
