"""Sums, differences, products and quotients of the network's values.

Sums stay sums until a layer takes them. A product of spikes is a gate: a·b is AND, a·(1 - b) is AND-NOT (IAND),
(1 - a)·(1 - b) is 1 - (a OR b).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from snn2chip.arrays import FloatArray, floats
from snn2chip.network.types import And, AndNot, Op, Or, Scale
from snn2chip.readers.module.convert import Converter
from snn2chip.readers.module.graph import constant_map
from snn2chip.readers.module.proxy import Ref
from snn2chip.readers.module.refuse import Place, refused
from snn2chip.readers.module.tracer import Step
from snn2chip.readers.module.values import At, Axes, Sum, at_path, common_step


def add(c: Converter, step: Step, sign: float = 1.0, reverse: bool = False) -> Sum:
    """A + alpha · b."""
    a, b = step.argument(0, "input"), step.argument(1, "other")
    alpha = float(step.argument(2, "alpha", 1.0)) * sign
    first, second = (alpha, 1.0) if reverse else (1.0, alpha)
    return summed(c, step, [(a, first), (b, second)])


def summed(c: Converter, step: Step, parts: list[tuple[Any, float]]) -> Sum:
    """Σ factor · part; parts may be numbers and constant tensors."""
    sums = [(_of(c, x, step), f) for x, f in parts if isinstance(x, Ref)]
    axes = _common_axes(c, [x for x, _ in sums], step.place)
    terms: dict[At, float] = {}
    constant: FloatArray | float = 0.0
    for x, factor in sums:
        for at, f in x.terms.items():
            terms[at] = terms.get(at, 0.0) + f * factor
        constant = constant + x.constant * factor
    for x, factor in parts:
        if not isinstance(x, Ref):
            constant = constant + _constant(c, x, step) * factor
    kept = {at: f for at, f in terms.items() if f != 0.0}
    if not kept:
        raise refused(
            "module-function", step.place, "this sum cancels: nothing of its terms is left"
        )
    return Sum(terms=kept, axes=axes, constant=constant, path=step.place.path)


def multiply(c: Converter, step: Step) -> Sum:
    """A number times a value, or a gate."""
    a, b = step.argument(0, "input"), step.argument(1, "other")
    if not isinstance(a, Ref):
        a, b = b, a
    x = _of(c, a, step)
    if isinstance(b, Ref):
        return _gate(c, step, x, _of(c, b, step))
    factor = _constant(c, b, step)
    if isinstance(factor, float):
        return scaled(x, factor)
    op = Scale(scale=constant_map(factor, step.place))
    name = at_path(step.place.path, "scaled")
    return c.layer(x, ("scale", op.scale.tobytes(), op.scale.shape), name, op, step.place)


def divide(c: Converter, step: Step) -> Sum:
    """A value divided by a number."""
    by = step.argument(1, "other")
    rounded = step.argument(2, "rounding_mode")
    if isinstance(by, Ref) or not isinstance(step.args[0], Ref) or rounded is not None:
        raise refused("module-function", step.place, "only a division by a number is understood")
    factor = _constant(c, by, step)
    if not isinstance(factor, float) or factor == 0.0:
        raise refused("module-function", step.place, "only a division by a number is understood")
    return scaled(_of(c, step.args[0], step), 1.0 / factor)


def scaled(x: Sum, factor: float) -> Sum:
    """Factor · x."""
    terms = {at: f * factor for at, f in x.terms.items()}
    return replace(x, terms=terms, constant=x.constant * factor)


def _gate(c: Converter, step: Step, x: Sum, y: Sum) -> Sum:
    axes = _common_axes(c, [x, y], step.place)
    a, a_not = _spikes(c, x, step.place)
    b, b_not = _spikes(c, y, step.place)
    fits, _ = common_step({a: 1.0, b: 1.0})
    if not fits:
        raise refused("module-loop", step.place, "multiplies spikes of different steps")
    path = step.place.path
    op: Op = And()
    if a_not and b_not:
        op = Or()
    elif a_not or b_not:
        op = AndNot()
        a, b = (b, a) if a_not else (a, b)
    name = at_path(path, "out")
    gate = c.graph.add(type(op).__name__, name, op, (a, b), step.place)
    if a_not and b_not:
        return Sum(terms={gate: -1.0}, constant=1.0, axes=axes, path=path)
    return Sum(terms={gate: 1.0}, axes=axes, path=path)


def _spikes(c: Converter, x: Sum, place: Place) -> tuple[At, bool]:
    """(spikes of 0 and 1, whether the value is 1 minus them)."""
    flipped = replace(x, terms={at: -f for at, f in x.terms.items()}, constant=0.0)
    inverted = isinstance(x.constant, float) and x.constant == 1.0 and flipped.single is not None
    at = flipped.single if inverted else x.single
    if at is None and x.axes is not Axes.TOTAL:
        at, _, _ = c.graph.value(x, place)
    if at is None or c.graph.highest.get(at.layer) != 1.0:
        raise refused(
            "module-product",
            place,
            "multiplies values that are not spikes of 0 and 1",
            have=""
            if at is None
            else f"{at.layer}, up to {c.graph.highest.get(at.layer, 'any value')}",
            help="a chip multiplies spikes only, as a gate",
        )
    return at, inverted


def _of(c: Converter, ref: Ref, step: Step) -> Sum:
    return c.sum_of(ref, step.place)


def _common_axes(c: Converter, sums: list[Sum], place: Place) -> Axes:
    first = sums[0]
    for other in sums[1:]:
        if other.axes is not first.axes:
            raise refused(
                "module-steps",
                place,
                "joins tensors whose axes mean different things",
                have=other.axes.value,
                need=first.axes.value,
            )
        shapes = [c.graph.shapes[next(iter(x.terms)).layer] for x in (first, other)]
        if shapes[0] != shapes[1]:
            raise refused(
                "module-shape",
                place,
                "joins maps of different shapes, which would be broadcast",
                have=str(shapes[1]),
                need=str(shapes[0]),
            )
    return first.axes


def _constant(c: Converter, value: Any, step: Step) -> FloatArray | float:
    """A constant against (C, H, W); a number stays one."""
    if isinstance(value, bool | int | float):
        return float(value)
    if not isinstance(value, Tensor):
        raise refused(
            "module-constant",
            step.place,
            f"{step.name} gets a {type(value).__name__}",
            need="a tensor or a number",
        )
    array = np.asarray(value.numpy(), np.float64)
    if (array == array.flat[0]).all():
        return float(array.flat[0])
    known = next(x for x in (*step.args, *step.kwargs.values()) if isinstance(x, Ref))
    x = c.sum_of(known, step.place)
    if len(c.inner(known, x)) == 1:
        array = array[..., None, None]
    return floats(constant_map(array, step.place))


def _negative(c: Converter, step: Step) -> Sum:
    return scaled(_of(c, step.args[0], step), -1.0)


HANDLERS: Mapping[str, Callable[[Converter, Step], Sum]] = {
    "add": add,
    "radd": add,
    "sub": lambda c, step: add(c, step, sign=-1.0),
    "rsub": lambda c, step: add(c, step, sign=-1.0, reverse=True),
    "mul": multiply,
    "rmul": multiply,
    "div": divide,
    "neg": _negative,
}
