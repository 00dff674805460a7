"""How full the cores are, counted from their packed words."""

from collections.abc import Sequence

from snn2chip.chip.certificate import CoreHolds, certificate
from snn2chip.chip.program import Program, Tile
from snn2chip.chip.target import Target
from snn2chip.chip.use import use_table
from snn2chip.energy.estimate import Estimate
from snn2chip.report.data import CoreRow, Fit, LimitUse
from snn2chip.report.places import places

WORDS = {
    "neurons": "neurons",
    "synapse_words": "synapse words",
    "axons_in": "input axons",
    "axon_map_words": "axon map words",
    "axon_memory_words": "axon memory words",
    "parameter_words": "parameter words",
    "total_words": "all words",
    "header_words": "header words",
    "groups": "groups",
}
"""The limits of a core, as people read them."""


def fit(program: Program, target: Target, estimate: Estimate | None) -> Fit:
    """Use of every limit of the target, by layer and by core; and where the cores lie."""
    layers = use_table(program, target)
    held = certificate(program, target)
    return Fit(
        limits={name: WORDS.get(name, name) for name in layers[0].most} if layers else {},
        layers=layers,
        cores=tuple(_core(core, program.cores[core.number].tiles, target) for core in held.cores),
        places=places(program, target, estimate, held),
    )


def _core(core: CoreHolds, tiles: Sequence[Tile], target: Target) -> CoreRow:
    return CoreRow(
        number=core.number,
        chip=core.chip,
        layer=" + ".join(tile.population for tile in tiles),
        tile=" + ".join(_box(tile) for tile in tiles),
        uses=tuple(
            LimitUse(limit=WORDS.get(name, name), have=have, need=target.limit(name))
            for name, have in core.uses.items()
        ),
    )


def _box(tile: Tile) -> str:
    axes = (tile.channels, tile.rows, tile.columns)
    return " × ".join(f"{a}–{b - 1}" if b > a + 1 else str(a) for a, b in axes)
