"""The Network that grows from a trace: layers by name, joins, and what is known of their shapes and values."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.errors import Snn2ChipError
from snn2chip.network.ranges import highest_value
from snn2chip.network.shapes import layer_shape
from snn2chip.network.types import INPUT, Add, Bias, Layer, Neuron, Op, Scale, Shape
from snn2chip.readers.module.refuse import Place, refused
from snn2chip.readers.module.values import (
    At,
    Axes,
    Sum,
    at_path,
    common_step,
    is_one,
    over_all_steps,
)


@dataclass(slots=True, kw_only=True)
class Graph:
    """Every method adds layers, or finds the ones that do the same already.

    A loop over the steps is written down T times, but its layers are those of step 0; a layer that first comes in a
    later step is an error.
    """

    shape: Shape
    steps: int
    layers: list[Layer] = field(default_factory=list[Layer])
    shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])
    highest: dict[str, float] = field(default_factory=dict[str, float])
    _known: dict[object, str] = field(default_factory=dict[object, str])

    def __post_init__(self) -> None:
        self.shapes[INPUT] = self.shape

    def add(self, key: object, name: str, op: Op, inputs: tuple[At, ...], place: Place) -> At:
        """The output of a layer `op` on `inputs`; `key` tells layers apart that could share a name."""
        _, step = common_step(dict.fromkeys(inputs, 1.0))
        names = tuple(at.layer for at in inputs)
        known = self._known.get((key, names))
        if known is not None and not isinstance(op, Neuron):
            return At(known, step)
        if step not in (None, 0):
            raise refused(
                "module-loop",
                place,
                f"step {step} of the loop does something that step 0 does not",
                help="let every step do the same",
            )
        layer = Layer(name=self.free(name), op=op, inputs=names)
        try:
            self.shapes[layer.name] = layer_shape(layer, [self.shapes[n] for n in names])
        except Snn2ChipError as e:
            f = e.finding
            raise refused("module-shape", place, f.why, have=f.have, need=f.need) from e
        self.layers.append(layer)
        self._known[(key, names)] = layer.name
        value = highest_value(layer, self.highest)
        if value is not None:
            self.highest[layer.name] = value
        return At(layer.name, step)

    def free(self, name: str) -> str:
        """`name`, with a number where it is taken."""
        taken = {INPUT, *(x.name for x in self.layers)}
        found, n = name, 1
        while found in taken:
            n += 1
            found = f"{name}@{n}"
        return found

    def value(self, x: Sum, place: Place) -> tuple[At, Axes, float]:
        """(layer, axes, factor) of a sum, with layers made for it. The factor is 1 but for totals over the steps."""
        terms, axes, factor = x.terms, x.axes, 1.0
        fits, _ = common_step(terms)
        if not fits:
            total = over_all_steps(terms, self.steps)
            if total is None:
                raise refused(
                    "module-loop",
                    place,
                    "adds values of different steps",
                    help="a chip adds what arrives in one step; keep the sum over all steps for the end",
                )
            terms, axes = total, Axes.TOTAL
        if axes is Axes.TOTAL:
            factor = next(iter(terms.values()))
            terms = {at: f / factor for at, f in terms.items()}
            if not x.plain:
                raise refused(
                    "module-constant",
                    place,
                    "adds a constant to a sum over the steps",
                    help="add it in every step, or leave it away",
                )
        name = at_path(x.path, "out")
        parts = tuple(self._scaled(at, f, place) for at, f in terms.items())
        at = parts[0] if len(parts) == 1 else self.add("add", name, Add(), parts, place)
        if not x.plain:
            bias = constant_map(x.constant, place)
            at = self.add(("bias", bias.tobytes(), bias.shape), name, Bias(bias=bias), (at,), place)
        return at, axes, factor

    def _scaled(self, at: At, factor: float, place: Place) -> At:
        if is_one(factor):
            return at
        scale = Scale(scale=floats([[[factor]]]))
        return self.add(("scale", factor), f"{at.layer}#scaled", scale, (at,), place)


def constant_map(constant: Any, place: Place) -> FloatArray:
    """A constant as an array that broadcasts against (C, H, W)."""
    array = np.asarray(constant, np.float64)
    while array.ndim > 3 and (array == array[:1]).all():
        array = array[0]
    if array.ndim > 3:
        raise refused(
            "module-constant",
            place,
            "a constant has one value for each sample or step",
            have=list(array.shape),
            need="(C, H, W), or fewer axes that broadcast",
        )
    return floats(array.reshape((1,) * (3 - array.ndim) + array.shape))
