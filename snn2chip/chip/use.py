"""What each layer uses of each limit of a core, counted from the words."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from snn2chip.chip.formats.format import format_of
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target
from snn2chip.circuit.types import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerUse:
    """One population on its cores.

    `cores`: those that hold a tile of it, `shared` of them tiles of others too: what such a core has counts whole.
    `tile`: its largest. `most`: limit -> (what the fullest core has, what the target allows). `mean`: limit -> mean
    over the cores, as a part of what the target allows.
    """

    population: str
    cores: int
    shared: int
    neurons: int
    tile: Shape
    most: Mapping[str, tuple[int, int]]
    mean: Mapping[str, float]

    @property
    def binds(self) -> str:
        """The limit that its fullest core comes closest to."""
        return max(self.most, key=lambda name: self.most[name][0] / self.most[name][1])

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "population": self.population,
            "cores": self.cores,
            "shared": self.shared,
            "neurons": self.neurons,
            "tile": list(self.tile),
            "most": {name: {"have": h, "max": m} for name, (h, m) in self.most.items()},
            "mean": dict(self.mean),
            "binds": self.binds,
        }


def use_table(program: Program, target: Target) -> tuple[LayerUse, ...]:
    """Use of every limit by layer, in the order of the populations.

    Errors: StatementError program-bytes where words are not those of the format; program-format.
    """
    packed = format_of(program.format)
    counts: dict[str, list[Mapping[str, int]]] = {}
    tiles: dict[str, list[Shape]] = {}
    shared: Counter[str] = Counter()
    for number, core in enumerate(program.cores):
        use = packed.count(core, f"core {number}").counts
        for name in core.populations:
            counts.setdefault(name, []).append(use)
            shared[name] += len(core.populations) > 1
        for tile in core.tiles:
            tiles.setdefault(tile.population, []).append(tile.shape)
    held = (name for name in program.populations if name in counts)
    return tuple(_use(name, counts[name], tiles[name], shared[name], target) for name in held)


def _use(
    name: str,
    counts: list[Mapping[str, int]],
    tiles: list[Shape],
    shared: int,
    target: Target,
) -> LayerUse:
    limits = {limit: target.limit(limit) for limit in counts[0]}
    return LayerUse(
        population=name,
        cores=len(counts),
        shared=shared,
        neurons=sum(c * h * w for c, h, w in tiles),
        tile=max(tiles, key=lambda s: s[0] * s[1] * s[2]),
        most={k: (max(c[k] for c in counts), most) for k, most in limits.items()},
        mean={k: sum(c[k] for c in counts) / len(counts) / most for k, most in limits.items()},
    )
