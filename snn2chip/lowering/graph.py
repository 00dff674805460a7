"""What every pass needs: looking back from a layer, replacing layers, and saying what was done."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from snn2chip.errors import Finding, Severity
from snn2chip.network.ranges import highest_value
from snn2chip.network.shapes import layer_shape
from snn2chip.network.types import INPUT, Layer, Network, Op, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """What a pass returns: the new network, what it could not do, and what it did, in one sentence."""

    network: Network
    findings: tuple[Finding, ...] = ()
    did: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The layers before one layer, as they are by now. `uses`: how many layers of the old network read each value."""

    layers: Mapping[str, Layer]
    shapes: Mapping[str, Shape]
    spiking: Mapping[str, float]
    uses: Mapping[str, int]
    steps: int

    def op(self, name: str) -> Op | None:
        """The op of a layer; None of the input."""
        return None if name == INPUT else self.layers[name].op

    def sends_spikes(self, name: str) -> bool:
        """Whether a projection can start there: outputs of neurons, sums of them, or the input."""
        return name == INPUT or name in self.spiking


Rule = Callable[[View, Layer], Sequence[Layer] | None]
"""None keeps the layer; else what takes its place: the last one has its name. All of them are looked at again."""


def sweep(network: Network, rule: Rule) -> Network:
    """The network after `rule` was applied to every layer, front to back, until nothing changes.

    Layers that only the replaced ones had used are dropped.
    """
    done: dict[str, Layer] = {}
    shapes: dict[str, Shape] = {INPUT: network.input.shape}
    spiking: dict[str, float] = {}
    uses = use_counts(network)
    view = View(layers=done, shapes=shapes, spiking=spiking, uses=uses, steps=network.steps)
    waiting = list(reversed(network.layers))
    while waiting:
        layer = waiting.pop()
        new = rule(view, layer)
        if new is not None:
            waiting.extend(reversed(new))
            continue
        done[layer.name] = layer
        shapes[layer.name] = layer_shape(layer, [shapes[i] for i in layer.inputs])
        highest = highest_value(layer, spiking)
        if highest is not None:
            spiking[layer.name] = highest
    used_before = {name for name, count in uses.items() if count}
    return without_unused(replace(network, layers=tuple(done.values())), used_before)


def use_counts(network: Network) -> dict[str, int]:
    """How many layers read each value; the read-out counts as one."""
    uses = {INPUT: 0} | {layer.name: 0 for layer in network.layers}
    for layer in network.layers:
        for name in layer.inputs:
            uses[name] += 1
    uses[network.readout.layer] += 1
    return uses


def without_unused(network: Network, used_before: Iterable[str]) -> Network:
    """The network without layers that were used once and are not any more."""
    droppable = set(used_before)
    kept: list[Layer] = []
    needed: set[str] = {network.readout.layer}
    for layer in reversed(network.layers):
        if layer.name in needed or layer.name not in droppable:
            kept.append(layer)
            needed.update(layer.inputs)
    return replace(network, layers=tuple(reversed(kept)))


def renamed(network: Network, names: Mapping[str, str]) -> Network:
    """The network with layers renamed, wherever they are mentioned."""
    layers = tuple(
        replace(x, name=names.get(x.name, x.name), inputs=tuple(names.get(i, i) for i in x.inputs))
        for x in network.layers
    )
    readout = replace(
        network.readout, layer=names.get(network.readout.layer, network.readout.layer)
    )
    return replace(network, layers=layers, readout=readout)


@dataclass(slots=True)
class Report:
    """What one pass collects while it sweeps."""

    findings: list[Finding] = field(default_factory=list[Finding])
    changed: list[str] = field(default_factory=list[str])

    def refuse(
        self, code: str, where: str, why: str, *, need: str = "", have: str = "", help: str = ""
    ) -> None:
        """An error finding, once per place."""
        finding = Finding(
            code=code,
            severity=Severity.ERROR,
            where=where,
            why=why,
            need=need,
            have=have,
            help=help,
        )
        if finding not in self.findings:
            self.findings.append(finding)

    def result(self, network: Network, did: str) -> Rewritten:
        """The pass's answer; `did` is followed by the names of the changed layers."""
        names = list(dict.fromkeys(self.changed))
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        return Rewritten(
            network=network,
            findings=tuple(self.findings),
            did=f"{did}: {shown}" if names else "",
        )
