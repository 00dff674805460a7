"""Make one kernel of linear layers that follow each other without neurons between them.

    spikes ─▶ conv ─▶ conv ─▶ …                ⇒      spikes ─▶ conv∘conv ─▶ …
    spikes ─▶ average pool ─▶ conv ─▶ …        ⇒      spikes ─▶ conv∘pool ─▶ …
    spikes ─▶ conv ─▶ pool ─▶ flatten ─▶ fc    ⇒      spikes ─▶ fc∘pool∘conv
    (spikes + conv(x)) ─▶ conv ─▶ …            ⇒      conv(spikes) + conv∘conv(x)

Linear maps compose, so the current is the same in real numbers. The one trap is zero padding: the second layer pads
the first one's *output*, the composed kernel pads the input. Both agree only if every window of the first layer
that lies outside its output sees nothing but padding (a pool of 2 before a padded 3x3 on 7x7 is wrong in 5 of 9
outputs). Where they disagree, this is a finding. A pool over the whole map before a linear layer stays: it becomes
a projection with one weight per channel.
"""

from dataclasses import replace

from snn2chip.lowering import fold_scale, input_norm
from snn2chip.lowering.compose import bias_map, compose_convs, compose_linear, pool_as_conv
from snn2chip.lowering.graph import Report, Rewritten, View, renamed, sweep
from snn2chip.lowering.names import kernel_name, with_kernel_names
from snn2chip.network.shapes import layer_shape
from snn2chip.network.types import (
    Add,
    AvgPool2d,
    Bias,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    Network,
    Op,
    Shape,
    SumPool2d,
)

Average = AvgPool2d | SumPool2d


def merge_linear(network: Network) -> Rewritten:
    """The network with one kernel at most between two layers of neurons."""
    report = Report()
    names: dict[str, str] = {}
    new = sweep(network, lambda view, x: _rule(view, x, report, names))
    return report.result(with_kernel_names(renamed(new, names)), "merged into one kernel")


def is_whole(op: Op | None, shape: Shape) -> bool:
    """Whether the layer pools the whole map of `shape` into one value per channel."""
    return isinstance(op, Average) and op.kernel == shape[1:] and op.padding == (0, 0)


def _rule(view: View, layer: Layer, report: Report, names: dict[str, str]) -> list[Layer] | None:
    moved = input_norm.rule(view, layer, report)
    if moved is None:
        moved = fold_scale.rule(view, layer, report, names)
    if moved is not None:
        return moved
    op = layer.op
    source = _source(view, layer)
    if not isinstance(op, Conv2d | Linear | Average) or source not in view.layers:
        return None
    if view.sends_spikes(source):
        return None
    before = view.layers[source]
    if isinstance(op, Average):
        as_conv = pool_as_conv(op, view.shapes[source][0])
        return [replace(layer, op=as_conv)]
    if isinstance(before.op, Add):
        report.changed.append(layer.name)
        return _distributed(layer, op, before)
    return _merged(view, layer, op, before, report)


def _source(view: View, layer: Layer) -> str:
    """The layer's input, looking through the Flatten before a linear layer."""
    (source, *_) = layer.inputs
    while isinstance(layer.op, Linear) and isinstance(view.op(source), Flatten):
        (source,) = view.layers[source].inputs
    return source


def _distributed(layer: Layer, op: Conv2d | Linear, before: Layer) -> list[Layer]:
    parts = [
        replace(
            layer,
            name=f"{layer.name}#{i}",
            op=op if i == 1 else replace(op, bias=None),
            inputs=(x,),
        )
        for i, x in enumerate(before.inputs, 1)
    ]
    return [*parts, Layer(name=layer.name, op=Add(), inputs=tuple(x.name for x in parts))]


def _merged(
    view: View, layer: Layer, op: Conv2d | Linear, before: Layer, report: Report
) -> list[Layer] | None:
    seen, middle = view.shapes[before.inputs[0]], view.shapes[before.name]
    first = before.op
    if isinstance(op, Linear) and is_whole(first, seen) and view.sends_spikes(before.inputs[0]):
        return None
    if isinstance(first, Average):
        first = pool_as_conv(first, seen[0])
    if not isinstance(first, Conv2d | Linear):
        return None
    merged = _composed(first, op, seen, middle, layer_shape(layer, [view.shapes[layer.inputs[0]]]))
    if merged is None:
        _refuse(layer, before, report)
        return None
    report.changed.append(layer.name)
    merged = replace(merged, bias=op.bias)
    if first.bias is None:
        return [replace(layer, op=merged, inputs=before.inputs)]
    kernel = Layer(name=kernel_name(layer.name), op=merged, inputs=before.inputs)
    constant = bias_map(op, first.bias[:, None, None], middle)
    return [kernel, Layer(name=layer.name, op=Bias(bias=constant), inputs=(kernel.name,))]


def _composed(
    first: Conv2d | Linear, second: Conv2d | Linear, seen: Shape, middle: Shape, out: Shape
) -> Conv2d | Linear | None:
    if isinstance(second, Linear):
        return compose_linear(first, second, seen, middle)
    return None if isinstance(first, Linear) else compose_convs(first, second, seen, middle, out)


def _refuse(layer: Layer, before: Layer, report: Report) -> None:
    code = "lower-pool" if isinstance(before.op, Average) else "lower-linear"
    report.refuse(
        code,
        before.name,
        f"no one kernel equals it together with {layer.name!r}: beyond the border it would see values, not padding",
        help="choose sizes for which the windows divide the map, or put neurons between the two layers",
    )
