"""The packed formats by name."""

from collections.abc import Sequence
from typing import Protocol

from snn2chip.chip.formats import loihi2
from snn2chip.chip.formats.bits import Words
from snn2chip.chip.program import AxonTable, Connection, Core, CoreContents, Tile, Use
from snn2chip.chip.target import Target
from snn2chip.errors import StatementError


class Format(Protocol):
    """What the module of a format offers."""

    def pack_core(
        self,
        contents: CoreContents,
        target: Target,
        *,
        chip: int,
        tile: Tile,
        synapses: Sequence[Words] | None = None,
    ) -> Core:
        """A core with these contents."""
        ...

    def unpack_core(self, core: Core, target: Target, where: str = "core") -> CoreContents:
        """What a core's words say."""
        ...

    def pack_axons(self, table: AxonTable) -> tuple[Words, Words]:
        """(axon map, axon memory) of a table."""
        ...

    def unpack_axons(
        self, axon_map: Words, axon_memory: Words, where: str = "input axons"
    ) -> AxonTable:
        """The axon table of these words."""
        ...

    def pack_synapses(self, connection: Connection, target: Target) -> Words:
        """Synapse words of one connection."""
        ...

    def count(self, core: Core, where: str = "core") -> Use:
        """Use of each limit, counted from the words."""
        ...


FORMATS: dict[str, Format] = {loihi2.NAME: loihi2}


def format_of(name: str) -> Format:
    """The format of that name. Errors: StatementError map-format where we cannot pack it."""
    if name not in FORMATS:
        raise StatementError(
            "map-format",
            name,
            "programs of this format are not packed yet",
            help=f"formats that are: {', '.join(FORMATS)}",
        )
    return FORMATS[name]
