"""Move a norm in front of a kernel behind it: most often the norm of the input.

    x ─▶ ×g ─▶ +c ─▶ conv(W), padding 0 ─▶ …      ⇒      x ─▶ conv(W·g) ─▶ + conv_W(c) ─▶ …

The padding is zero *after* the norm, so near the borders fewer taps see the constant c: what it adds is a map
conv_W(c) [O, H, W], computed by convolving the constant with the same zero padding, and never one number. Exact in
real numbers.
"""

from dataclasses import replace

from snn2chip.lowering.compose import bias_map, scale_inputs
from snn2chip.lowering.graph import Report, Rewritten, View, sweep
from snn2chip.lowering.names import kernel_name, with_kernel_names
from snn2chip.network.types import Bias, Conv2d, Layer, Linear, Network, Scale


def input_norm(network: Network) -> Rewritten:
    """The network without Scale and Bias before a kernel."""
    report = Report()
    new = sweep(network, lambda view, x: rule(view, x, report))
    return report.result(with_kernel_names(new), "moved the norm before")


def rule(view: View, layer: Layer, report: Report) -> list[Layer] | None:
    """One step: a Scale goes into the weight, a Bias behind the kernel."""
    op = layer.op
    if not isinstance(op, Conv2d | Linear) or layer.inputs[0] not in view.layers:
        return None
    before = view.layers[layer.inputs[0]]
    shape = view.shapes[before.name]
    if isinstance(before.op, Scale):
        weighted = scale_inputs(op, before.op.scale, shape)
        if weighted is None:
            report.refuse(
                "lower-scale",
                before.name,
                "a factor that differs inside a channel, before a convolution",
                need="one value per channel",
            )
            return None
        report.changed.append(layer.name)
        return [replace(layer, op=weighted, inputs=before.inputs)]
    if isinstance(before.op, Bias):
        report.changed.append(layer.name)
        kernel = replace(layer, name=kernel_name(layer.name), inputs=before.inputs)
        bias = Bias(bias=bias_map(op, before.op.bias, shape))
        return [kernel, Layer(name=layer.name, op=bias, inputs=(kernel.name,))]
    return None
