"""Everything that fine-tuning does before its first epoch: read, fold, round, and find what stands in the way."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from snn2chip.chip.target import Target, load_target
from snn2chip.circuit.types import Circuit
from snn2chip.errors import Snn2ChipError, StatementError, errors_of
from snn2chip.inputs import InputData, Layout, arrange
from snn2chip.lowering import lower
from snn2chip.model import LoadedModel, ModelRequest, load_model
from snn2chip.network.shapes import shapes
from snn2chip.network.types import Network, Neuron, Op
from snn2chip.options import one_of
from snn2chip.progress import Progress
from snn2chip.quantize.input import choose_input
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.types import QuantizedCircuit, QuantizedInput
from snn2chip.quantize.weights import narrowed
from snn2chip.readers.types import WriteTwin
from snn2chip.training import datasets
from snn2chip.training.dataset import Dataset, Images
from snn2chip.training.datasets import DataRequest
from snn2chip.training.folded import Quantize, folded, settled
from snn2chip.zoo.surrogates import SHAPES

METHODS = ("max", "mse")
LOOKED_AT = 1000
"""Training samples that choose the input's grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneRequest:
    """What to train on what. `weight_bits` None: as many as the target has. `method`: how scales are chosen.

    `recipe`: fields of Recipe that are not the default's. `surrogate`: a name of zoo.surrogates, as wide as a layer's
    threshold. `threads`: another number may round, and so train, in another way.
    """

    model: ModelRequest
    data: str
    target: str = "loihi2"
    weight_bits: int | None = None
    method: str = "mse"
    surrogate: str = "atan"
    recipe: Mapping[str, object] = field(default_factory=dict[str, object])
    source: DataRequest = field(default_factory=DataRequest)
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is trained. `network`: folded, in floats. `rounded`: what quantize() alone makes of it."""

    request: FinetuneRequest
    data: Dataset
    target: Target
    bits: int
    input: QuantizedInput
    network: Network
    rounded: QuantizedCircuit
    write_twin: WriteTwin

    def quantize(self, circuit: Circuit) -> QuantizedCircuit:
        """`circuit` in integers of `bits` bits that fit the target."""
        return _quantizer(self.target, self.bits, self.request.method, self.input)(circuit)


def start(request: FinetuneRequest, progress: Progress) -> Start:
    """Read and round; raises whatever would make the training be in vain."""
    target = load_target(request.target)
    bits = narrowed(target.widths, request.weight_bits).weight_bits
    one_of(request.method, METHODS, "--method")
    one_of(request.surrogate, tuple(SHAPES), "--surrogate")
    data = datasets.load(request.data, request.source)
    with progress.stage("read"):
        model = reread(request.model, data)
    for sentence in model.network.provenance.assumed:
        progress.note(f"assumed: {sentence}")
    if model.write_twin is None:
        raise Snn2ChipError(
            "twin-layout",
            model.network.provenance.system,
            "this system's layout cannot say the quantized network",
        )
    network = folded(model.network)
    _check_classes(network, data)
    first = inputs(network, data.train_x[:LOOKED_AT])
    grid = choose_input(network.input.shape, network.input.kind, first)
    with progress.stage("quantize"):
        _, qc = settled(network, _quantizer(target, bits, request.method, grid), bits)
    return Start(
        request=request,
        data=data,
        target=target,
        bits=bits,
        input=grid,
        network=_with_neurons_of_twin(network, model.write_twin, request.model, qc, data),
        rounded=qc,
        write_twin=model.write_twin,
    )


def reread(request: ModelRequest, data: Dataset) -> LoadedModel:
    """The model, read with a sample of the data set as its input: shape and number of frames must fit."""
    with tempfile.TemporaryDirectory() as scratch:
        sample = Path(scratch) / "sample.npy"
        np.save(sample, data.train_x[:1])
        layout = Layout.NCHW if data.frames is None else Layout.NTCHW
        return load_model(replace(request, input_path=str(sample), layout=layout.value))


def inputs(shaped: Network | QuantizedCircuit, x: Images) -> InputData:
    """Samples of a data set as the input of a network or circuit."""
    layout = Layout.NCHW if x.ndim == 4 else Layout.NTCHW
    return arrange(x, layout.value, shaped.input.kind, shaped.input.shape, shaped.steps)


def requantized(start: Start, path: Path) -> QuantizedCircuit:
    """What quantize() makes of the checkpoint at `path`."""
    network = reread(replace(start.request.model, path=str(path)), start.data).network
    return start.quantize(lower(network).circuit)


def _with_neurons_of_twin(
    network: Network,
    write_twin: WriteTwin,
    request: ModelRequest,
    qc: QuantizedCircuit,
    data: Dataset,
) -> Network:
    """`network` with neurons as its layout gives them back once they are rounded: learned decays are the chip's.

    Gains and their biases are trained, and stay as they are.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "twin.pth"
        write_twin(qc, path)
        twin = reread(replace(request, path=str(path)), data).network
    ops = {x.name: x.op for x in folded(twin).layers}
    layers = tuple(
        replace(x, op=_as_twins(x.op, ops[x.name])) if isinstance(x.op, Neuron) else x
        for x in network.layers
    )
    return replace(network, layers=layers)


def _as_twins(own: Neuron, twins: Op) -> Op:
    if own.model.gain is None or not isinstance(twins, Neuron):
        return twins
    return replace(own, model=replace(own.model, decay=twins.model.decay))


def _quantizer(target: Target, bits: int, method: str, grid: QuantizedInput) -> Quantize:
    widths = narrowed(target.widths, bits)

    def ready(circuit: Circuit) -> QuantizedCircuit:
        qc, findings = quantize(circuit, widths, target=target.name, method=method, input=grid)
        errors = errors_of(findings)
        if errors:
            raise StatementError.of(errors)
        return qc

    return ready


def _check_classes(network: Network, data: Dataset) -> None:
    answers = shapes(network)[network.readout.layer][0]
    if answers < data.classes:
        raise Snn2ChipError(
            "data-classes",
            f"--data {data.name}",
            "has more classes than the network has answers",
            have=str(data.classes),
            need=f"at most {answers}",
        )
