"""The Network: a trained spiking network in floats, layer by layer, as its paper draws it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from snn2chip.arrays import FloatArray
from snn2chip.neuron import NeuronModel

Pair = tuple[int, int]
Shape = tuple[int, int, int]
"""(channels, rows, columns); a vector of n values is (n, 1, 1)."""

INPUT = "input"
"""The name by which layers refer to the network's input."""


class InputKind(Enum):
    """STATIC: one image, the same at every step. FRAMES: one frame per step."""

    STATIC = "static"
    FRAMES = "frames"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInput:
    """Shape (C, H, W) of one frame, and whether it changes over the steps."""

    shape: Shape
    kind: InputKind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conv2d:
    """Convolution as torch's: weight [O, I/groups, kh, kw], bias [O] or None, zero padding."""

    weight: FloatArray
    bias: FloatArray | None = None
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linear:
    """weight [O, I] on the flattened (C, H, W) input, bias [O] or None; output shape (O, 1, 1)."""

    weight: FloatArray
    bias: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchNorm:
    """(x - mean) / sqrt(var + eps) · factor · weight + bias, per channel.

    Arrays [C], or [T, C] for norms of one per step. `eps_outside`: / (sqrt(var) + eps) instead (tdBN of MLF).
    """

    weight: FloatArray
    bias: FloatArray
    mean: FloatArray
    var: FloatArray
    eps: float = 1e-5
    eps_outside: bool = False
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AvgPool2d:
    """Average pooling; padding counts as zeros in the mean."""

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SumPool2d:
    """Sum pooling (NIR)."""

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPool2d:
    """Max pooling of spikes or of integers; padding never wins."""

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """(C, H, W) to (C·H·W, 1, 1), in C order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """Multiply by `scale`, which broadcasts against (C, H, W)."""

    scale: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bias:
    """Add `bias`, which broadcasts against (C, H, W)."""

    bias: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What lowering made a neuron from: the `layer` (a gate, a pool) it stands for.

    `level` counts from 1 where one layer became several, whose outputs add up to it. `helper`: its output is not
    part of the layer's own output.
    """

    layer: str
    level: int = 0
    helper: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neuron:
    """Spiking neurons with their own membranes.

    `bias`: added to every membrane in every step, after the gain (broadcasts against (C, H, W); a leading T makes it
    one per step). `part` is None for a neuron layer of the paper.
    """

    model: NeuronModel
    bias: FloatArray | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """Sum of all inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """Product of two inputs of 0/1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AndNot:
    """inputs[0] · (1 - inputs[1]): the first input where the second is silent (IAND keeps the identity first)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """1 where either of two inputs of 0/1 is 1."""


Op = (
    Conv2d
    | Linear
    | BatchNorm
    | AvgPool2d
    | SumPool2d
    | MaxPool2d
    | Flatten
    | Scale
    | Bias
    | Neuron
    | Add
    | And
    | AndNot
    | Or
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: `name` is the module path in the authors' model (`path@1`, `path@2` for a module called twice).

    Joins are called `block#out`, and so are pools that users trace (`maxpool#out`).
    """

    name: str
    op: Op
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOut:
    """What the network answers: `layer`, summed or averaged over the T steps."""

    layer: str
    mean: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a network came from and how it was understood.

    `system`: the reader's name (`sew_resnet`, `nir` ...); `arch`: the architecture by name; `options`: what the file
    could not say, as used (argument name to value); `sources`: where options come from, as far as the reader keeps it;
    `assumed`: one sentence for each default taken; `unused`: keys of tensors that the network does not need, with the
    reason; `args` of the container that were read.
    """

    path: str
    sha256: str
    system: str
    arch: str
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    assumed: tuple[str, ...] = ()
    used: int = 0
    unused: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """System and architecture, without saying one name twice."""
        return self.arch if self.arch.startswith(self.system) else f"{self.system} {self.arch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Layers in an order in which every input comes before its use."""

    input: NetworkInput
    steps: int
    layers: tuple[Layer, ...]
    readout: ReadOut
    provenance: Provenance

    def layer(self, name: str) -> Layer:
        """The layer called `name`."""
        return next(layer for layer in self.layers if layer.name == name)
