"""The twin of a quantized DVS network of the SEW repository, in the layout of its checkpoint."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.dvs_keys import READOUT, Part, PartKind
from snn2chip.readers.dvs_options import Settings
from snn2chip.readers.twin import TwinWriter
from snn2chip.readers.twin_spiking import spiking_neurons


def write_twin(
    qc: QuantizedCircuit,
    path: Path,
    container: Container,
    parts: Sequence[Part],
    settings: Settings,
) -> tuple[str, ...]:
    """Write the twin of `qc` to `path`, returning its caveats; StatementError where this layout cannot say it."""
    twin = TwinWriter(qc, container)
    for unit, neuron in _units(parts):
        spiking_neurons(twin, neuron, settings.neuron)
        conv = f"{unit}.module.0"
        twin.unit(conv, f"{unit}.module.1", neuron)
        if neuron.endswith(
            ".sn"
        ):  # of a basic block, where the block's input is added to the current
            twin.shortcut(neuron, (conv,))
    twin.linear(READOUT, averaged=False)
    return twin.write(path, {})


def _units(parts: Sequence[Part]) -> Iterator[tuple[str, str]]:
    """(convolution and norm, the neurons behind them)."""
    for part in parts:
        if part.kind is PartKind.UNIT:
            yield f"{part.path}.0", f"{part.path}.1"
        elif part.kind is not PartKind.POOL:
            yield f"{part.path}.conv.0.0", f"{part.path}.conv.0.1"
            if part.kind is PartKind.BASIC:
                yield f"{part.path}.conv.1", f"{part.path}.sn"
            else:
                yield f"{part.path}.conv.1.0", f"{part.path}.conv.1.1"
