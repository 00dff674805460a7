"""The twin of a quantized spiking ResNet: a checkpoint in the layout of the file that the network came from."""

from pathlib import Path

from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.resnet_build import READOUT
from snn2chip.readers.resnet_keys import Plan, Unit
from snn2chip.readers.resnet_options import STORED, Settings
from snn2chip.readers.twin import TwinWriter
from snn2chip.readers.twin_spiking import spiking_neurons


def write_twin(
    qc: QuantizedCircuit, path: Path, container: Container, plan: Plan, settings: Settings
) -> tuple[str, ...]:
    """Write the twin of `qc` to `path`, returning its caveats; StatementError where this layout cannot say it."""
    twin = TwinWriter(qc, container)
    for neuron in plan.neurons():
        spiking_neurons(twin, neuron, settings.neuron)
    for unit, neuron, has_bias in _units(plan):
        twin.unit(unit.conv, unit.norm, neuron, bias=has_bias)
    for block in plan.blocks:
        if not settings.connect_f:
            kernels = [u.conv for u in (block.units[-1], block.shortcut) if u is not None]
            twin.shortcut(block.neurons[-1], kernels)
    twin.linear(READOUT, averaged=True)
    return twin.write(path, {k: v for k, v in settings.used.items() if k in STORED})


def _units(plan: Plan) -> list[tuple[Unit, str, bool]]:
    """(unit, the neuron layer it feeds, whether its norm carries that layer's bias)."""
    found = [(plan.stem, "sn1", True)]
    for block in plan.blocks:
        found += [(u, n, True) for u, n in zip(block.units, block.neurons, strict=True)]
        if block.shortcut is not None:
            own = block.shortcut_neuron
            found.append((block.shortcut, own or block.neurons[-1], bool(own)))
    return found
