"""Sums of spikes and graded outputs become one graded relay each.

    spikes a ─┐                         spikes a ─▶ ×1 ─┐
    spikes b ─┼─▶ + ─▶ conv ─▶ …   ⇒    spikes b ─▶ ×1 ─┼─▶ + ─▶ graded relay ─▶ conv ─▶ …
    graded g ─┘                         graded g ─▶ ×1 ─┘

Spikes and graded outputs are worth different amounts on a chip, so no one weight of the next kernel fits both: without
the relay every kernel behind the sum would be stored twice. The relay sends its current as it is and forgets it, so
what is read behind it is the same number in the same step. A sum of sums gets every summand itself, not the relay of
the sum before: numbers are rounded once on a chip, and no relay waits for another. Sums of spikes alone need none, nor
do sums that nothing but such a relay reads.
"""

from collections.abc import Iterable

from snn2chip.lowering.graded_norms import relay
from snn2chip.lowering.graph import Report, Rewritten, View, sweep
from snn2chip.network.types import Add, Flatten, Layer, Network, Neuron
from snn2chip.neuron import Emits


def graded_joins(network: Network) -> Rewritten:
    """The network in which nothing but relays reads sums of spikes and graded outputs."""
    report = Report()
    sums: dict[str, str] = {}
    done = _relayed(network)
    new = sweep(network, lambda view, x: None if x.name in done else _rule(view, x, report, sums))
    return report.result(new, "made graded relays of")


def _relayed(network: Network) -> set[str]:
    """Sums that relays alone read."""
    relays = {x.inputs[0] for x in network.layers if _is_relay(x)}
    return relays - {name for x in network.layers if not _is_relay(x) for name in x.inputs}


def _is_relay(layer: Layer) -> bool:
    op = layer.op
    if not isinstance(op, Neuron) or op.model.emits is not Emits.GRADED:
        return False
    return op.model.gain is None and op.bias is None


def _rule(view: View, layer: Layer, report: Report, sums: dict[str, str]) -> list[Layer] | None:
    """`sums`: relay -> the sum before it, of those made so far."""
    if not isinstance(layer.op, Add) or layer.name in sums.values():
        return None
    if not all(x in view.spiking for x in layer.inputs) or len(_units(view, layer.inputs)) < 2:
        return None
    report.changed.append(layer.name)
    summands = [x for name in layer.inputs for x in _summands(view, name, sums)]
    total = Layer(name=f"{layer.name}#sum", op=Add(), inputs=tuple(summands))
    sums[layer.name] = total.name
    return [total, relay(layer.name, total.name)]


def _summands(view: View, name: str, sums: dict[str, str]) -> tuple[str, ...]:
    """The summands of the sum behind a relay, or the value itself."""
    return view.layers[sums[name]].inputs if name in sums else (name,)


def _units(view: View, names: Iterable[str]) -> set[str]:
    """What is added: spikes (''), and graded neurons by name."""
    found: set[str] = set()
    for name in names:
        layer = view.layers[name]
        if isinstance(layer.op, Add | Flatten):
            found |= _units(view, layer.inputs)
        elif isinstance(layer.op, Neuron) and layer.op.model.emits is Emits.GRADED:
            found.add(name)
        else:
            found.add("")
    return found
