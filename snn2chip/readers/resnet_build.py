"""A spiking ResNet's plan, settings and tensors as layers: batch norms as they are, names as in the authors' model."""

from collections.abc import Iterator, Mapping

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.network.types import (
    INPUT,
    Add,
    And,
    AndNot,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Neuron,
    Op,
)
from snn2chip.neuron import NeuronModel, Reset
from snn2chip.readers.checkpoint import Container, Tensors
from snn2chip.readers.resnet_keys import COUNTER, BlockPlan, Plan, Unit, tensor_shapes
from snn2chip.readers.resnet_options import NeuronSettings, Settings

EPS = 1e-5
"""torch's default, which the authors keep."""

READOUT = "fc"


def check_tensors(container: Container, plan: Plan) -> tuple[int, tuple[str, ...]]:
    """(number of tensors used, keys that are not, with the reason).

    An error for what is missing, has another shape, or is a negative variance.
    """
    needed: dict[str, tuple[int, ...]] = tensor_shapes(plan)
    if plan.learned:
        needed.update({f"{path}.w": () for path in plan.neurons()})
    missing = [k for k in needed if k not in container.tensors]
    if missing:
        more = f", and {len(missing) - 1} more are" if len(missing) > 1 else ""
        spare = [k for k in container.tensors if k not in needed and not k.endswith(COUNTER)]
        raise Snn2ChipError(
            "checkpoint-missing-key",
            f"{container.path}: {missing[0]}",
            f"is missing{more}",
            help=did_you_mean(missing[0], spare),
        )
    for key, shape in needed.items():
        _check_tensor(container, key, shape)
    return len(needed), _unused(container, needed)


def layers_of(
    plan: Plan, settings: Settings, tensors: Tensors, size: tuple[int, int]
) -> tuple[Layer, ...]:
    """Every layer in order; `size`: rows and columns of the input."""
    builder = _Builder(plan, settings, tensors)
    return tuple(builder.layers(size))


class _Builder:
    """Makes layers one after the other; a block is a function of where it begins."""

    def __init__(self, plan: Plan, settings: Settings, tensors: Tensors) -> None:
        self.plan, self.settings, self.tensors = plan, settings, tensors

    def layers(self, size: tuple[int, int]) -> Iterator[Layer]:
        """Stem, blocks, head. A layer's input is the one before it where nothing else is said."""
        yield from self._unit(self.plan.stem, INPUT)
        yield self._neuron("sn1", self.plan.stem.norm)
        last, strides = "sn1", [self.plan.stem.stride]
        if self.settings.stem_pool:
            last = f"{self.plan.pool}#out"
            strides.append(2)
            yield Layer(
                name=last,
                op=MaxPool2d(kernel=(3, 3), stride=(2, 2), padding=(1, 1)),
                inputs=("sn1",),
            )
        for block in self.plan.blocks:
            strides += [u.stride for u in block.units]
            *inner, end = self._block(block, last)
            yield from inner
            yield end
            last = end.name
        yield from self._head(last, (_shrunk(size[0], strides), _shrunk(size[1], strides)))

    def _block(self, block: BlockPlan, start: str) -> list[Layer]:
        return self._sew(block, start) if self.settings.connect_f else self._plain(block, start)

    def _sew(self, block: BlockPlan, start: str) -> list[Layer]:
        """Spikes of the branch joined with the identity's, after the neurons."""
        layers = [
            *self._branch(block, start),
            self._neuron(block.neurons[-1], block.units[-1].norm),
        ]
        branch, identity = block.neurons[-1], start
        if block.shortcut is not None:
            identity = block.shortcut_neuron
            layers += [
                *self._unit(block.shortcut, start),
                self._neuron(identity, block.shortcut.norm),
            ]
        return [*layers, join(f"{block.path}#out", self.settings.connect_f, branch, identity)]

    def _plain(self, block: BlockPlan, start: str) -> list[Layer]:
        """Currents of the branch and the shortcut summed, before the last neuron."""
        layers, identity = self._branch(block, start), start
        if block.shortcut is not None:
            layers += self._unit(block.shortcut, start)
            identity = block.shortcut.norm
        total = f"{block.path}#sum"
        layers.append(Layer(name=total, op=Add(), inputs=(block.units[-1].norm, identity)))
        return [*layers, self._neuron(block.neurons[-1], total)]

    def _branch(self, block: BlockPlan, start: str) -> list[Layer]:
        """Units with a neuron between them; none after the last."""
        layers: list[Layer] = []
        for unit, neuron in zip(block.units[:-1], block.neurons[:-1], strict=True):
            layers += [*self._unit(unit, start), self._neuron(neuron, unit.norm)]
            start = neuron
        return [*layers, *self._unit(block.units[-1], start)]

    def _unit(self, unit: Unit, source: str) -> list[Layer]:
        p, d = unit.kernel // 2 * unit.dilation, unit.dilation
        conv = Conv2d(
            weight=self._floats(f"{unit.conv}.weight"),
            stride=(unit.stride, unit.stride),
            padding=(p, p),
            dilation=(d, d),
            groups=unit.groups,
        )
        norm = BatchNorm(
            weight=self._floats(f"{unit.norm}.weight"),
            bias=self._floats(f"{unit.norm}.bias"),
            mean=self._floats(f"{unit.norm}.running_mean"),
            var=self._floats(f"{unit.norm}.running_var"),
            eps=EPS,
        )
        return [
            Layer(name=unit.conv, op=conv, inputs=(source,)),
            Layer(name=unit.norm, op=norm, inputs=(unit.conv,)),
        ]

    def _neuron(self, path: str, source: str) -> Layer:
        model = neuron_model(self.settings.neuron, self.tensors.get(f"{path}.w"))
        return Layer(name=path, op=Neuron(model=model), inputs=(source,))

    def _head(self, last: str, size: tuple[int, int]) -> list[Layer]:
        linear = Linear(weight=self._floats("fc.weight"), bias=self._floats("fc.bias"))
        return [
            Layer(name="avgpool", op=AvgPool2d(kernel=size, stride=size), inputs=(last,)),
            Layer(name="flatten", op=Flatten(), inputs=("avgpool",)),
            Layer(name=READOUT, op=linear, inputs=("flatten",)),
        ]

    def _floats(self, key: str) -> FloatArray:
        return floats(self.tensors[key])


def neuron_model(n: NeuronSettings, w: np.ndarray | None) -> NeuronModel:
    """IF: v + x. LIF: v - (v - v_reset)/tau + x (/tau if decay_input). PLIF: sigmoid(w) for 1/tau. Fires at v >= θ."""
    k = 0.0
    if n.learned and w is not None:
        k = 1.0 / (1.0 + float(np.exp(-np.float64(w.reshape(-1)[0]))))
    elif n.tau is not None:
        k = 1.0 / n.tau
    rest = n.v_reset or 0.0
    return NeuronModel(
        levels=(floats([[[n.v_threshold]]]),),
        decay=floats([[[1.0 - k]]]),
        input_gain=floats([[[k if k and n.decay_input else 1.0]]]),
        reset=Reset.SUBTRACT if n.v_reset is None else Reset.ZERO,
        leak=rest,
        v_reset=rest,
        v_init=rest,
    )


def join(name: str, connect_f: str, branch: str, identity: str) -> Layer:
    """IAND keeps the identity where the branch is silent, IAND_SWAPPED the other way round."""
    ops: Mapping[str, tuple[Op, tuple[str, str]]] = {
        "ADD": (Add(), (branch, identity)),
        "AND": (And(), (branch, identity)),
        "IAND": (AndNot(), (identity, branch)),
        "IAND_SWAPPED": (AndNot(), (branch, identity)),
    }
    op, inputs = ops[connect_f]
    return Layer(name=name, op=op, inputs=inputs)


def _shrunk(size: int, strides: list[int]) -> int:
    """Size of the last map: kernels are odd, padded by half their reach, so a layer makes ceil(size / stride) of it."""
    for stride in strides:
        size = -(-size // stride)
    return size


def _check_tensor(container: Container, key: str, shape: tuple[int, ...]) -> None:
    array, where = container.tensors[key], f"{container.path}: {key}"
    fits = array.size == 1 if key.endswith(".w") else array.shape == shape
    if not fits:
        raise Snn2ChipError(
            "checkpoint-shape",
            where,
            "has another shape",
            have=str(list(array.shape)),
            need=str(list(shape)),
        )
    if key.endswith(".running_var") and bool((array < 0).any()):
        low = float(array.min())
        raise Snn2ChipError(
            "checkpoint-values", where, f"is negative: {low:g}", need="variances of at least 0"
        )


def _unused(container: Container, needed: Mapping[str, object]) -> tuple[str, ...]:
    spare = [k for k in container.tensors if k not in needed]
    counters = [k for k in spare if k.endswith(COUNTER)]
    others = [f"{k} (no part of the network)" for k in spare if not k.endswith(COUNTER)]
    return (
        (*others, f"{len(counters)} × *{COUNTER} (for training only)")
        if counters
        else tuple(others)
    )
