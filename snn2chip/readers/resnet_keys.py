"""What the keys of a spiking ResNet's state dict say: whose spelling they are in, and the shape of the network.

Three spellings (dialects) of the same network are in use; REPO, `layer1.0.conv1.module.0.weight`, is the zoo's own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.checkpoint import Container


class Dialect(Enum):
    """REPO: the paper's code. NEW_SJ: its branch new_sj. SPIKINGJELLY: SpikingJelly's models (torchvision's keys)."""

    REPO = "the repository's main branch"
    NEW_SJ = "the repository's branch new_sj"
    SPIKINGJELLY = "SpikingJelly's own models"


class Family(Enum):
    """SEW joins spikes after the neurons; PLAIN sums currents before the last one."""

    SEW = "sew_resnet"
    PLAIN = "spiking_resnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What keys and shapes tell. `family` None: not visible. `blocks`: how many in each stage.

    `first_strided`: the first stage has a shortcut of its own though its channels do not change, so it must be strided.
    `learned`: neurons have a learned decay (`.w`). `inner`: channels of the 3x3 of a Bottleneck of the first stage,
    in `groups` (ResNeXt and wide ResNet have others than `width` in one).
    """

    dialect: Dialect
    family: Family | None
    bottleneck: bool
    blocks: tuple[int, ...]
    width: int
    in_channels: int
    stem_kernel: int
    classes: int
    first_strided: bool
    learned: bool
    inner: int
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`stride` of the first block; dilations of the 3x3 in the `first` block and in the `later` ones."""

    stride: int
    first: int = 1
    later: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A convolution without bias and its batch norm: key prefixes and sizes (padding: kernel // 2 · dilation)."""

    conv: str
    norm: str
    inputs: int
    outputs: int
    kernel: int
    stride: int
    dilation: int = 1
    groups: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """A residual block: its units in order, the neuron after each, and the shortcut's unit and neuron, if any."""

    path: str
    units: tuple[Unit, ...]
    neurons: tuple[str, ...]
    shortcut: Unit | None
    shortcut_neuron: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The network in the words of one dialect."""

    dialect: Dialect
    family: Family
    stem: Unit
    blocks: tuple[BlockPlan, ...]
    features: int
    classes: int
    pool: str
    learned: bool

    def units(self) -> Iterator[Unit]:
        """Every convolution in order."""
        yield self.stem
        for block in self.blocks:
            yield from block.units
            if block.shortcut is not None:
                yield block.shortcut

    def neurons(self) -> Iterator[str]:
        """Paths of every neuron layer."""
        yield "sn1"
        for block in self.blocks:
            yield from block.neurons
            if block.shortcut is not None and block.shortcut_neuron:
                yield block.shortcut_neuron


NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
COUNTER = ".num_batches_tracked"
"""A tensor of every batch norm that only training uses."""

_BLOCK_KEY = re.compile(r"layer(\d+)\.(\d+)\.(conv[123]|bn[123]|downsample)\.")
_MARKS = (
    (Dialect.REPO, re.compile(r"layer\d+\.\d+\.conv[123]\.module\.0\.weight")),
    (Dialect.NEW_SJ, re.compile(r"layer\d+\.\d+\.conv[123]\.0\.weight")),
    (Dialect.SPIKINGJELLY, re.compile(r"layer\d+\.\d+\.conv[123]\.weight")),
)


def dialect_of(keys: Mapping[str, object]) -> Dialect | None:
    """The dialect of a ResNet's keys; None if it is no ResNet."""
    return next((d for d, mark in _MARKS if any(mark.fullmatch(k) for k in keys)), None)


def family_of(keys: Mapping[str, object], dialect: Dialect) -> Family | None:
    """SEW or PLAIN by the shortcut's keys; None where they do not tell."""
    sew, plain = {
        Dialect.REPO: ("downsample.0.module.", "downsample.module."),
        Dialect.NEW_SJ: ("downsample.0.0.", "downsample.0.weight"),
        Dialect.SPIKINGJELLY: ("downsample_sn.w", ""),
    }[dialect]
    if any(sew in k for k in keys):
        return Family.SEW
    return Family.PLAIN if plain and any(plain in k for k in keys) else None


def structure_of(container: Container, dialect: Dialect) -> Structure:
    """What the keys and shapes of `container` say. Errors name the key."""
    keys = container.tensors
    found = [m for k in keys if (m := _BLOCK_KEY.match(k))]
    bottleneck = any(m[3] == "conv3" for m in found)
    stem = _shape(container, "conv1.weight", 4)
    if stem[2] != stem[3] or stem[2] % 2 == 0:
        raise Snn2ChipError(
            "checkpoint-shape",
            f"{container.path}: conv1.weight",
            "is no square kernel of odd size",
            have=str(list(stem)),
        )
    inner, groups = _inner(container, dialect, bottleneck, stem[0])
    return Structure(
        dialect=dialect,
        family=family_of(keys, dialect),
        bottleneck=bottleneck,
        blocks=_counts(container.path, {(int(m[1]), int(m[2])) for m in found}),
        width=stem[0],
        in_channels=stem[1],
        stem_kernel=stem[2],
        classes=_shape(container, "fc.weight", 2)[0],
        first_strided=not bottleneck and any(k.startswith("layer1.0.downsample.") for k in keys),
        learned="sn1.w" in keys,
        inner=inner,
        groups=groups,
    )


def _inner(container: Container, dialect: Dialect, bottleneck: bool, width: int) -> tuple[int, int]:
    """(channels, groups) of the first block's 3x3; what does not divide is left to the check of shapes."""
    if not bottleneck:
        return width, 1
    conv = _unit("layer1.0.conv2", "", (0, 0, 3, 1), dialect).conv
    outputs, per_group = _shape(container, f"{conv}.weight", 4)[:2]
    return outputs, max(1, outputs // per_group)


def plan_of(
    s: Structure, family: Family, stages: tuple[Stage, ...], stem_stride: int, dialect: Dialect
) -> Plan:
    """The plan of structure `s`, with the keys of `dialect`."""
    stem = Unit(
        conv="conv1",
        norm="bn1",
        inputs=s.in_channels,
        outputs=s.width,
        kernel=s.stem_kernel,
        stride=stem_stride,
    )
    blocks: list[BlockPlan] = []
    channels = s.width
    for i, (count, stage) in enumerate(zip(s.blocks, stages, strict=True)):
        outputs = (s.width << i) * (4 if s.bottleneck else 1)
        for j in range(count):
            middle = Unit(
                conv="",
                norm="",
                inputs=s.inner << i,
                outputs=s.inner << i,
                kernel=3,
                stride=stage.stride if j == 0 else 1,
                dilation=stage.first if j == 0 else stage.later,
                groups=s.groups,
            )
            ends = (channels, outputs)
            block = _block(f"layer{i + 1}.{j}", ends, middle, s.bottleneck, family, dialect)
            blocks.append(block)
            channels = block.units[-1].outputs
    return Plan(
        dialect=dialect,
        family=family,
        stem=stem,
        blocks=tuple(blocks),
        features=channels,
        classes=s.classes,
        pool="maxpool.0" if dialect is Dialect.NEW_SJ else "maxpool",
        learned=s.learned,
    )


def tensor_shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Key -> shape of every tensor that the network needs (not the learned decays, whose rank differs by version)."""
    shapes: dict[str, tuple[int, ...]] = {}
    for u in plan.units():
        shapes[f"{u.conv}.weight"] = (u.outputs, u.inputs // u.groups, u.kernel, u.kernel)
        shapes.update({f"{u.norm}.{part}": (u.outputs,) for part in NORM_PARTS})
    shapes["fc.weight"] = (plan.classes, plan.features)
    shapes["fc.bias"] = (plan.classes,)
    return shapes


def _block(
    path: str,
    ends: tuple[int, int],
    middle: Unit,
    bottleneck: bool,
    family: Family,
    dialect: Dialect,
) -> BlockPlan:
    """`ends`: channels in and out; `middle`: the strided 3x3, whose keys are still to come."""
    (inputs, outputs), stride = ends, middle.stride
    sizes = ((inputs, outputs, 3, stride), (outputs, outputs, 3, 1))
    if bottleneck:
        c = middle.inputs
        sizes = ((inputs, c, 1, 1), (c, c, 3, stride), (c, outputs, 1, 1))
    units = tuple(
        _unit(f"{path}.conv{k}", f"{path}.bn{k}", size, dialect) for k, size in enumerate(sizes, 1)
    )
    if bottleneck:
        second = replace(middle, conv=units[1].conv, norm=units[1].norm)
        units = (units[0], second, units[2])
    shortcut = None
    if stride != 1 or inputs != outputs:
        conv, norm = _shortcut_keys(path, family, dialect)
        shortcut = Unit(
            conv=conv, norm=norm, inputs=inputs, outputs=outputs, kernel=1, stride=stride
        )
    neuron = f"{path}.downsample_sn" if dialect is Dialect.SPIKINGJELLY else f"{path}.downsample.1"
    return BlockPlan(
        path=path,
        units=units,
        neurons=tuple(f"{path}.sn{k}" for k in range(1, len(units) + 1)),
        shortcut=shortcut,
        shortcut_neuron=neuron if family is Family.SEW else "",
    )


def _unit(path: str, norm: str, size: tuple[int, int, int, int], dialect: Dialect) -> Unit:
    inputs, outputs, kernel, stride = size
    conv = {
        Dialect.REPO: f"{path}.module.0",
        Dialect.NEW_SJ: f"{path}.0",
        Dialect.SPIKINGJELLY: path,
    }[dialect]
    norms = {
        Dialect.REPO: f"{path}.module.1",
        Dialect.NEW_SJ: f"{path}.1",
        Dialect.SPIKINGJELLY: norm,
    }
    return Unit(
        conv=conv, norm=norms[dialect], inputs=inputs, outputs=outputs, kernel=kernel, stride=stride
    )


def _shortcut_keys(path: str, family: Family, dialect: Dialect) -> tuple[str, str]:
    """Key prefixes of a shortcut's (convolution, norm)."""
    inner = ".0" if family is Family.SEW and dialect is not Dialect.SPIKINGJELLY else ""
    container = ".module" if dialect is Dialect.REPO else ""
    base = f"{path}.downsample{inner}{container}"
    return f"{base}.0", f"{base}.1"


def _counts(path: str, found: set[tuple[int, int]]) -> tuple[int, ...]:
    """Blocks in each stage; a gap in their numbers is an error."""
    counts: list[int] = []
    for stage in range(1, len({i for i, _ in found}) + 1):
        indices = {j for i, j in found if i == stage}
        gap = next((j for j in range(len(indices)) if j not in indices), None)
        if not indices or gap is not None:
            name = f"layer{stage}" if not indices else f"layer{stage}.{gap}"
            raise Snn2ChipError(
                "checkpoint-missing-key",
                f"{path}: {name}.*",
                "is missing, though later ones are there",
            )
        counts.append(len(indices))
    return tuple(counts)


def _shape(container: Container, key: str, rank: int) -> tuple[int, ...]:
    where = f"{container.path}: {key}"
    if key not in container.tensors:
        raise Snn2ChipError("checkpoint-missing-key", where, "is missing")
    shape = container.tensors[key].shape
    if len(shape) != rank or 0 in shape:
        raise Snn2ChipError(
            "checkpoint-shape",
            where,
            "has another shape",
            have=str(list(shape)),
            need=f"{rank} axes",
        )
    return shape
