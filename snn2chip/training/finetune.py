"""Fine-tuning: a checkpoint of any system, trained on the chip's grid, as a checkpoint in the same layout.

The norms are folded first; then weights and biases are trained on the grid that quantize() chooses for them, chosen
again at the start of every epoch. What comes out lies on its own grid: quantizing it changes nothing.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from snn2chip.arrays import FloatArray
from snn2chip.engines.layer import run
from snn2chip.errors import StatementError
from snn2chip.lowering import lower
from snn2chip.network.types import Network
from snn2chip.progress import Progress
from snn2chip.quantize.input import quantize_input
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.training.dataset import Dataset
from snn2chip.training.finetune_start import FinetuneRequest, Start, inputs, requantized, start
from snn2chip.training.folded import Grid, grid_of, on_grid, settled
from snn2chip.training.folded_net import FoldedNet
from snn2chip.training.loop import Loss, Trained, correct, fit, seeded
from snn2chip.training.recipe import Recipe
from snn2chip.zoo.surrogates import Surrogate

RECIPE = Recipe(
    epochs=4,
    batch=32,
    learning_rate=3e-4,
    optimizer="adam",
    schedule="onecycle",
    augment=False,
)

CHUNK = 100
"""Samples that the chip's integers run on at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finetuned:
    """What came out, and how many held-back samples get their class.

    `float_right`: before, in floats. `rounded_right`: only rounded, and `right`: trained on the grid, both in the
    chip's integers. `caveats`: why float32 code may fire other spikes.
    """

    start: Start
    qc: QuantizedCircuit
    float_right: int
    rounded_right: int
    right: int
    trained: Trained
    caveats: tuple[str, ...]


def finetune(request: FinetuneRequest, out: Path, state: Path, progress: Progress) -> Finetuned:
    """Train, or go on where an earlier run left the file `state`; write the checkpoint `out`."""
    recipe = replace(RECIPE, **request.recipe)  # pyright: ignore[reportArgumentType]
    begun = start(request, progress)
    with seeded(recipe.seed, threads=request.threads, device=request.device):
        net = FoldedNet(
            begun.network,
            Surrogate(shape=request.surrogate),
            begun.input,
            _grid(begun, begun.network),
        )
        float_right = _in_floats(net, begun.data)
        trained = fit(
            net,
            begun.data,
            recipe,
            loss=_loss(net, begun, recipe.label_smoothing),
            device=request.device,
            state=state,
            identity=_identity(begun),
            progress=progress,
        )
    with progress.stage("write"):
        _, qc = settled(on_grid(net.trained(), net.grid()), begun.quantize, begun.bits)
        caveats = _write(begun, qc, out)
    return Finetuned(
        start=begun,
        qc=qc,
        float_right=float_right,
        rounded_right=_on_chip(begun.rounded, begun.data),
        right=_on_chip(qc, begun.data),
        trained=trained,
        caveats=caveats,
    )


def _grid(begun: Start, network: Network) -> Grid:
    """What quantize() chooses for the weights of now."""
    circuit = lower(network).circuit
    return grid_of(network, circuit, begun.quantize(circuit), begun.bits)


def _identity(begun: Start) -> str:
    """What decides the weights beside recipe, data and shapes."""
    r = begun.request
    source = begun.network.provenance
    options = sorted(source.options.items())
    return repr(
        (source.sha256, options, begun.target.sha256, begun.bits, r.method, r.surrogate, r.threads)
    )


def _loss(net: FoldedNet, begun: Start, smoothing: float) -> Loss:
    """Cross-entropy; the grid is chosen again before the first batch of every epoch."""
    epochs: set[float] = set()

    def loss(module: nn.Module, x: Tensor, y: Tensor, done: float) -> Tensor:
        if done not in epochs:
            epochs.add(done)
            net.use(_grid(begun, net.trained()))
        return functional.cross_entropy(module(x), y, label_smoothing=smoothing)

    return loss


def _in_floats(net: FoldedNet, data: Dataset) -> int:
    net.chip = False
    right = correct(net, data.test_x, data.test_y)
    net.chip = True
    return right


def _on_chip(qc: QuantizedCircuit, data: Dataset) -> int:
    """How many held-back samples the chip's integers get right."""
    right = 0
    for i in range(0, len(data.test_x), CHUNK):
        integers, _ = quantize_input(qc.input, inputs(qc, data.test_x[i : i + CHUNK]))
        decision = run(qc, integers, record=False).decision
        right += int((decision.argmax(1) == data.test_y[i : i + CHUNK]).sum())
    return right


def _write(begun: Start, qc: QuantizedCircuit, out: Path) -> tuple[str, ...]:
    """Write the checkpoint; StatementError if quantizing it does not give the numbers of `qc` again."""
    draft = out.with_name(f"{out.name}.draft")
    try:
        caveats = begun.write_twin(qc, draft)
        again = requantized(begun, draft)
        ours, theirs = _real(qc), _real(again)
        for name, values in ours.items():
            if not np.array_equal(values, theirs[name]):
                raise StatementError(
                    "finetune-grid",
                    name,
                    "quantizing the trained network would change it",
                    help="another --method or --weight-bits may have a grid that stays",
                )
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return caveats


def _real(qc: QuantizedCircuit) -> dict[str, FloatArray]:
    """Weights by projection, gains and biases by population, in real units.

    A weight before a gain is counted in the units behind it.
    """
    scales = {p.name: p.scale for p in qc.populations}
    found: dict[str, FloatArray] = {}
    for p in qc.projections:
        scale = scales[p.target].reshape(-1, *(1,) * (p.weight.ndim - 1))
        found[p.name] = p.weight * 2.0**p.exponent * scale
    for p in qc.populations:
        found[f"{p.name} (bias)"] = p.bias * p.scale[:, None, None] / 2.0**p.fraction_bits
        if p.neuron.gain is not None:
            found[f"{p.name} (gain)"] = p.neuron.gain / 2.0**p.neuron.gain_shift
    return found
