"""Is this Network one? Names, order, cycles, shapes and finite values, each error with the layer it is about."""

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.network.shapes import shapes
from snn2chip.network.types import (
    INPUT,
    Add,
    And,
    AndNot,
    BatchNorm,
    Bias,
    Conv2d,
    Layer,
    Linear,
    Network,
    Neuron,
    Op,
    Or,
    Scale,
)


def check(network: Network) -> None:
    """Raise Snn2ChipError at the first thing that is wrong; return nothing."""
    if network.steps < 1:
        raise Snn2ChipError(
            "network-steps", "T", "a run has at least one step", need="1", have=str(network.steps)
        )
    _check_names(network)
    for layer in network.layers:
        _check_arity(layer)
    _check_order(network)
    for layer in network.layers:
        _check_values(layer)
        _check_steps(layer, network.steps)
    shapes(network)


def _check_names(network: Network) -> None:
    seen = {INPUT}
    for layer in network.layers:
        if layer.name in seen:
            raise Snn2ChipError("network-names", layer.name, "two layers have this name")
        seen.add(layer.name)
    for layer in network.layers:
        for name in layer.inputs:
            if name not in seen:
                raise Snn2ChipError(
                    "network-unknown-input",
                    layer.name,
                    f"its input {name!r} is not a layer",
                    help=did_you_mean(name, seen),
                )
    if network.readout.layer not in seen:
        raise Snn2ChipError(
            "network-readout",
            network.readout.layer,
            "the read-out is not a layer",
            help=did_you_mean(network.readout.layer, seen),
        )


def _check_arity(layer: Layer) -> None:
    have = len(layer.inputs)
    if isinstance(layer.op, Add):
        need, fits = "1 or more", have >= 1
    else:
        count = 2 if isinstance(layer.op, And | AndNot | Or) else 1
        need, fits = str(count), have == count
    if not fits:
        raise Snn2ChipError(
            "network-inputs", layer.name, "number of inputs", need=need, have=str(have)
        )


def _check_order(network: Network) -> None:
    """Every input comes before its use; a cycle is told from a wrong order."""
    late = _first_too_early(network)
    if late is None:
        return
    known, waiting = {INPUT}, list(network.layers)
    while ready := [x for x in waiting if known.issuperset(x.inputs)]:
        known.update(x.name for x in ready)
        waiting = [x for x in waiting if x.name not in known]
    if not waiting:
        raise Snn2ChipError("network-order", late.name, "it stands before one of its inputs")
    raise Snn2ChipError(
        "network-cycle",
        waiting[0].name,
        "it feeds itself",
        help="recurrent connections are not supported",
    )


def _first_too_early(network: Network) -> Layer | None:
    known = {INPUT}
    for layer in network.layers:
        if not known.issuperset(layer.inputs):
            return layer
        known.add(layer.name)
    return None


def _check_values(layer: Layer) -> None:
    for what, values in _values(layer.op):
        if not np.isfinite(values).all():
            count = int(np.count_nonzero(~np.isfinite(values)))
            raise Snn2ChipError(
                "network-values",
                layer.name,
                f"{what} holds values that are not finite",
                need="0",
                have=str(count),
            )
    op = layer.op
    if isinstance(op, BatchNorm) and bool(np.any(op.var + op.eps <= 0)):
        raise Snn2ChipError(
            "network-values", layer.name, "a variance that is not positive", need="var + eps > 0"
        )


def _check_steps(layer: Layer, steps: int) -> None:
    """Arrays of one value per step have T of them."""
    op = layer.op
    have: int | None = None
    if isinstance(op, BatchNorm):
        have = next(
            (a.shape[0] for a in (op.weight, op.bias, op.mean, op.var) if a.ndim == 2), None
        )
    elif isinstance(op, Neuron):
        have = next(
            (a.shape[0] for a in (op.model.gain, op.bias) if a is not None and a.ndim == 4), None
        )
    elif isinstance(op, Bias) and op.bias.ndim == 4:
        have = op.bias.shape[0]
    if have is not None and have != steps:
        raise Snn2ChipError(
            "network-steps",
            layer.name,
            "it has one set of values per step",
            need=f"T = {steps}",
            have=str(have),
        )


def _values(op: Op) -> list[tuple[str, FloatArray]]:
    """Every number of a layer, with what it is called."""
    if isinstance(op, Conv2d | Linear):
        return [("weight", op.weight), *([] if op.bias is None else [("bias", op.bias)])]
    if isinstance(op, BatchNorm):
        return [("weight", op.weight), ("bias", op.bias), ("mean", op.mean), ("var", op.var)]
    if isinstance(op, Scale):
        return [("scale", op.scale)]
    if isinstance(op, Bias):
        return [("bias", op.bias)]
    if not isinstance(op, Neuron):
        return []
    m = op.model
    arrays = [*m.levels, m.decay, m.input_gain]
    arrays += [a for a in (m.gain, op.bias) if a is not None]
    arrays += [np.array(x) for x in (m.leak, m.v_reset, m.v_init, m.v_min) if x is not None]
    return [("the neuron", a) for a in arrays]
