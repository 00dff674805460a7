"""Functions of torch.nn.functional that are layers."""

from collections.abc import Callable, Mapping
from dataclasses import fields

import numpy as np

from snn2chip.network.types import AvgPool2d, MaxPool2d, Op, Shape
from snn2chip.readers.module import layers
from snn2chip.readers.module.convert import Converter
from snn2chip.readers.module.proxy import Ref
from snn2chip.readers.module.refuse import refused
from snn2chip.readers.module.tracer import Step
from snn2chip.readers.module.values import Sum, at_path


def _layer(read: Callable[[Step, Shape], Op]) -> Callable[[Converter, Step], Sum]:
    def handle(c: Converter, step: Step) -> Sum:
        source = step.argument(0, "input")
        x = c.sum_of(source, step.place)
        others = (*step.args[1:], *(v for k, v in step.kwargs.items() if k != "input"))
        if any(isinstance(v, Ref) for v in others):
            raise refused(
                "module-function", step.place, f"the parameters of {step.name} depend on the input"
            )
        if step.name == "linear" and len(c.inner(source, x)) != 1:
            raise refused("module-shape", step.place, "works on the last axis of a map")
        at, _, _ = c.graph.value(x, step.place)
        op = read(step, c.graph.shapes[at.layer])
        place = step.place
        return c.layer(x, op_key(op), at_path(place.path, step.name), op, place)

    return handle


def op_key(op: Op) -> object:
    """What an operation does, as a key: functions have no names by which they could be told apart."""
    parts = [getattr(op, f.name) for f in fields(op)]
    return (type(op).__name__, *(p.tobytes() if isinstance(p, np.ndarray) else p for p in parts))


def _conv(step: Step, shape: Shape) -> Op:
    del shape
    return layers.conv(
        step.argument(1, "weight"),
        step.argument(2, "bias"),
        step.argument(3, "stride", 1),
        step.argument(4, "padding", 0),
        step.argument(5, "dilation", 1),
        step.argument(6, "groups", 1),
        step.place,
    )


def _linear(step: Step, shape: Shape) -> Op:
    del shape
    return layers.linear(step.argument(1, "weight"), step.argument(2, "bias"))


def _norm(step: Step, shape: Shape) -> Op:
    del shape
    if step.argument(5, "training", False):
        raise refused(
            "module-training",
            step.place,
            "this batch norm uses the statistics of the batch",
            help="pass training=self.training",
        )
    return layers.batch_norm(
        step.argument(1, "running_mean"),
        step.argument(2, "running_var"),
        step.argument(3, "weight"),
        step.argument(4, "bias"),
        float(step.argument(7, "eps", 1e-5)),
        step.place,
    )


def _average(step: Step, shape: Shape) -> Op:
    return layers.average_pool(
        step.argument(1, "kernel_size"),
        step.argument(2, "stride"),
        step.argument(3, "padding", 0),
        bool(step.argument(4, "ceil_mode", False)),
        bool(step.argument(5, "count_include_pad", True)),
        step.argument(6, "divisor_override"),
        step.place,
        shape,
    )


def _max(step: Step, shape: Shape) -> Op:
    return layers.max_pool(
        step.argument(1, "kernel_size"),
        step.argument(2, "stride"),
        step.argument(3, "padding", 0),
        step.argument(4, "dilation", 1),
        bool(step.argument(5, "ceil_mode", False)),
        step.place,
        shape,
    )


def _dropout(c: Converter, step: Step) -> Sum:
    """Passes its input on unless it is told to drop."""
    if step.argument(2, "training", True) and step.argument(1, "p", 0.5):
        raise refused(
            "module-training",
            step.place,
            "drops values at random, in evaluation too",
            help="pass training=self.training, or use nn.Dropout",
        )
    return c.sum_of(step.argument(0, "input"), step.place)


HANDLERS: Mapping[str, Callable[[Converter, Step], Sum]] = {
    "conv2d": _layer(_conv),
    "linear": _layer(_linear),
    "batch_norm": _layer(_norm),
    "avg_pool2d": _layer(_average),
    "max_pool2d": _layer(_max),
    "adaptive_avg_pool2d": _layer(
        lambda step, shape: layers.adaptive_pool(
            step.argument(1, "output_size"), AvgPool2d, step.place, shape
        )
    ),
    "adaptive_max_pool2d": _layer(
        lambda step, shape: layers.adaptive_pool(
            step.argument(1, "output_size"), MaxPool2d, step.place, shape
        )
    ),
    "dropout": _dropout,
    "dropout1d": _dropout,
    "dropout2d": _dropout,
}
