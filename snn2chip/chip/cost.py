"""What one convolution costs on a target: neurons, synapse words and axons of a core, the share of each limit, cores.

Nothing of a network is needed but its shapes: the question of somebody who designs one for a chip.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, prod

import numpy as np

from snn2chip.arrays import ints
from snn2chip.chip.formats.loihi1_words import UNCOUNTED
from snn2chip.chip.layer import Consumer, Layer
from snn2chip.chip.needs import needs_of, outgoing_of
from snn2chip.chip.reach import Reach
from snn2chip.chip.split import fewest_cores, smallest_split
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Link
from snn2chip.circuit.types import Conv, Shape
from snn2chip.quantize.types import QuantizedProjection

WORD_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvShape:
    """A convolution with square kernels, padded by half a kernel. `source`: rows and columns of its input."""

    inputs: int
    outputs: int
    kernel: int
    stride: int
    groups: int
    source: tuple[int, int]

    @property
    def shape(self) -> Shape:
        """Channels, rows and columns of its output."""
        pad = self.kernel // 2
        rows, columns = ((n + 2 * pad - self.kernel) // self.stride + 1 for n in self.source)
        return (self.outputs, rows, columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One limit of a core: what the fullest tile needs, and what a core has.

    `need` None: the tile has more neurons than a core can tell apart, and nothing else of it can be counted.
    """

    need: int | None
    limit: int

    @property
    def share(self) -> float:
        """Part of the limit; infinite where the need cannot be counted."""
        return inf if self.need is None else self.need / self.limit

    @property
    def fits(self) -> bool:
        """Whether a core has enough of it."""
        return self.need is not None and self.need <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvCost:
    """`tile`: channels, rows, columns. `cores`: with that tile; `floor`: fewest of any tile.

    `neuron_floor`: cores if neurons were the only limit. `uses`: limit -> its use.
    """

    target: str
    conv: ConvShape
    weight_bits: int
    tile: Shape
    cores: int
    floor: int
    neuron_floor: int
    uses: Mapping[str, Use]

    @property
    def binds(self) -> str:
        """The limit that the fullest tile comes closest to, or exceeds most, of those whose need can be counted."""
        counted = {name: u.share for name, u in self.uses.items() if u.need is not None}
        return max(counted, key=lambda name: counted[name])

    @property
    def fits(self) -> bool:
        """Whether the fullest tile fits a core."""
        return all(u.fits for u in self.uses.values())


def layer_of(conv: ConvShape, weight_bits: int) -> Layer:
    """The convolution as the split sees it: one threshold, weights as wide as said, every spike read by one core."""
    weight = np.broadcast_to(
        np.int64(-(1 << (weight_bits - 1))),
        (conv.outputs, conv.inputs // conv.groups, conv.kernel, conv.kernel),
    )
    pad = (conv.kernel // 2, conv.kernel // 2)
    projection = QuantizedProjection(
        name="conv",
        sources=("source",),
        target="conv",
        kernel=Conv(stride=(conv.stride, conv.stride), padding=pad, groups=conv.groups),
        weight=weight,
        exponent=0,
        bits=weight_bits,
    )
    source = (conv.inputs, *conv.source)
    link = Link(projection=projection, number=0, sources=("source",), source_shape=source)
    everywhere = [np.ones((1, n), np.bool_) for n in conv.shape]
    heard = Reach(channels=everywhere[0], rows=everywhere[1], columns=everywhere[2])
    return Layer(
        shape=conv.shape,
        neuron_words=1,
        thresholds=ints(np.zeros((conv.outputs, 1), np.int64)),
        links=(link,),
        delays=((0,),),
        axons=(1,),
        consumers=(Consumer(reach=heard, copies=1),),
        by_neuron=False,
    )


def cost_of(
    conv: ConvShape, target: Target, weight_bits: int, tile: Shape | None
) -> ConvCost | None:
    """The cost with this tile, or with the splitter's own choice; None where no tile fits."""
    layer = layer_of(conv, weight_bits)
    size = smallest_split(layer, target) if tile is None else tile
    if size is None:
        return None
    return ConvCost(
        target=target.name,
        conv=conv,
        weight_bits=weight_bits,
        tile=size,
        cores=prod(-(-n // s) for n, s in zip(conv.shape, size, strict=True)),
        floor=fewest_cores(layer, target) or 0,
        neuron_floor=-(-prod(conv.shape) // target.limit("neurons")),
        uses=_uses(layer, target, size),
    )


def _uses(layer: Layer, target: Target, size: Shape) -> dict[str, Use]:
    """Use of every limit, by the way to store the tile that leaves most room."""
    sizes = [np.array([s], np.int64) for s in size]
    ways = [
        {k: int(n.item()) for k, n in needs.items()} for needs in needs_of(layer, target, sizes)
    ]
    uses = [
        {k: Use(need=n if n < UNCOUNTED else None, limit=target.limit(k)) for k, n in whole.items()}
        for whole in ({**way, **outgoing_of(layer, target, size, way)} for way in ways)
    ]
    return min(uses, key=lambda way: max(u.share for u in way.values()))
