"""The dense engine: torch convolutions that carry integers, on the CPU or a GPU. It shares no arithmetic.

Floats add whole numbers exactly, in any order, while no partial sum reaches 2^24 (float32) or 2^53 (float64). The bound
is proved for each projection from its weights; the result is rounded all the same, and a value that is not whole is an
error: some convolution algorithms (Winograd in NNPACK, FFT in cuDNN) transform their input and are not sums. Steps are
part of the batch; then the neurons run step by step in int64.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

from snn2chip.circuit.types import INPUT, Conv, Dense
from snn2chip.engines.bounds import Bounds, bounds
from snn2chip.engines.chunks import chunks, joined
from snn2chip.engines.decision import decide
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedPopulation,
    QuantizedProjection,
)
from snn2chip.recording import Outputs, Recording

CHUNK_VALUES = 1 << 23
"""Outputs of the largest population that run at once: a few int64 arrays of 64 MB."""

EXACT = {torch.float32: 1 << 24, torch.float64: 1 << 53}
"""Below these, every whole number has its own float."""


def run(
    qc: QuantizedCircuit,
    inputs: InputData,
    *,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
    threads: int | None = None,
    device: str = "cpu",
) -> Recording:
    """Recording of `inputs` (int64 values). `threads`: of torch (default: as it is); `device`: a torch device.

    `record` False keeps only the decision and the read-out potentials. Errors: StatementError where a sum can reach
    2^53 or a convolution of this device is not exact.
    """
    known = bounds(qc)
    outputs: list[dict[str, Outputs]] = []
    potentials: list[dict[str, Outputs]] = []
    with _exact_torch(threads):
        done = 0
        for part in chunks(qc, inputs, CHUNK_VALUES):
            outputs.append({})
            potentials.append({})
            for name, spikes, membranes in _populations(qc, part, known, device):
                if qc.population(name).neuron.emits is Emits.NOTHING:
                    potentials[-1][name] = membranes.cpu().numpy()
                if record or name == qc.readout.population:
                    outputs[-1][name] = spikes.cpu().numpy()
                done += part.samples
                if progress is not None:
                    progress(done / (inputs.samples * len(qc.populations)))
    all_outputs, all_potentials = joined(outputs, 1), joined(potentials, 0)
    return Recording(
        engine="dense",
        outputs=all_outputs if record else {},
        potentials=all_potentials,
        decision=decide(qc, all_outputs, all_potentials),
    )


def _populations(
    qc: QuantizedCircuit, inputs: InputData, known: Bounds, device: str
) -> Generator[tuple[str, Tensor, Tensor]]:
    """One population after the other: name, outputs [T, N, C, H, W], final membranes [N, C, H, W]."""
    values: dict[str, Tensor] = {INPUT: _input(inputs, device)}
    last = _last_uses(qc)
    for i, p in enumerate(qc.populations):
        a = _currents(qc, p, values, known, inputs.samples)
        spikes, membranes = _neurons(p, a, qc.steps, qc.v_limit)
        values[p.name] = _small(spikes)
        yield p.name, values[p.name], membranes
        for name in [s for s, used in last.items() if used == i]:
            del values[name]


@contextmanager
def _exact_torch(threads: int | None) -> Generator[None]:
    """Only convolutions that are plain sums; no gradients; this many threads."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        with (
            torch.inference_mode(),
            torch.backends.nnpack.flags(enabled=False),
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=False
            ),
        ):
            yield
    finally:
        torch.set_num_threads(before)


def _last_uses(qc: QuantizedCircuit) -> dict[str, int]:
    """Source -> position of the last population that reads it."""
    last: dict[str, int] = {}
    for i, p in enumerate(qc.populations):
        for projection in qc.into(p.name):
            last |= dict.fromkeys(projection.sources, i)
    return last


def _input(inputs: InputData, device: str) -> Tensor:
    values = inputs.values[None] if inputs.kind is InputKind.STATIC else inputs.values
    return torch.tensor(values, device=device)


def _small(spikes: Tensor) -> Tensor:
    """uint8 where all values fit, else int32."""
    fits = spikes.numel() == 0 or (int(spikes.min()) >= 0 and int(spikes.max()) <= 255)
    return spikes.to(torch.uint8 if fits else torch.int32)


def _currents(
    qc: QuantizedCircuit,
    p: QuantizedPopulation,
    values: Mapping[str, Tensor],
    known: Bounds,
    samples: int,
) -> Tensor:
    """The currents a of all steps, int64 [1 or T, N, C, H, W]."""
    total = torch.zeros(
        (1, samples, *p.shape),
        dtype=torch.int64,
        device=values[INPUT].device if INPUT in values else None,
    )
    for projection in qc.into(p.name):
        source = sum(values[s].long() for s in projection.sources)
        if not isinstance(source, Tensor):
            raise ValueError("a projection without sources")
        low, high = known.summed(projection.sources)
        part = _projected(
            projection, source.flatten(0, 1), max(known.sums[projection.name], high, -low)
        )
        part = part.reshape(*source.shape[:2], *p.shape)
        total = total.to(part.device) + part * 2**projection.exponent
    return total


def _projected(projection: QuantizedProjection, source: Tensor, largest: int) -> Tensor:
    """W · source, int64: source int64 [S, C, H, W]; no partial sum exceeds `largest`."""
    exact = next((kind for kind, limit in EXACT.items() if largest < limit), None)
    if exact is None:
        raise StatementError(
            "range",
            projection.name,
            "its sums can reach 2^53: not exact in floats",
            have=str(largest),
        )
    kernel, x = projection.kernel, source.to(exact)
    w = torch.tensor(projection.weight, dtype=exact, device=x.device)
    if isinstance(kernel, Conv):
        y = functional.conv2d(
            x, w, None, kernel.stride, kernel.padding, kernel.dilation, kernel.groups
        )
    elif isinstance(kernel, Dense):
        y = functional.linear(x.sum((2, 3)) if kernel.pooled else x.flatten(1), w)
    else:
        y = x * w[:, None, None]
    whole = y.round()
    if not torch.equal(whole, y):
        raise StatementError(
            "range", projection.name, f"the convolution of {x.device} is not exact"
        )
    return whole.long()


def _neurons(p: QuantizedPopulation, a: Tensor, steps: int, v_limit: int) -> tuple[Tensor, Tensor]:
    """(outputs int64 [T, N, C, H, W], first level's final membranes [N, C, H, W])."""
    n, device = p.neuron, a.device
    gain = None if n.gain is None else torch.tensor(n.gain, device=device)
    bias, delta = torch.tensor(p.bias, device=device), torch.tensor(n.delta, device=device)
    v = [torch.zeros_like(a[0]) for _ in n.levels]
    owed = [torch.zeros_like(a[0]) for _ in n.levels]
    levels = [torch.tensor(x, device=device) for x in n.levels]
    amounts = [torch.tensor(x, device=device) for x in n.amounts]
    outputs: list[Tensor] = []
    for t in range(steps):
        c = a[t if len(a) > 1 else 0]
        if gain is not None:
            c = torch.div(_at(gain, t) * c, 2**n.gain_shift, rounding_mode="trunc")
        drive = c * 2**p.fraction_bits + _at(bias, t)
        total = torch.zeros_like(drive)
        for k in range(len(levels)):
            kept = torch.div(v[k] * (4096 - delta), 4096, rounding_mode="trunc")
            u = (kept - owed[k] + drive).clamp(-v_limit, v_limit)
            spikes, v[k], owed[k] = _fired(n, u, levels[k], amounts[k])
            total += spikes
        outputs.append(total)
    return torch.stack(outputs), v[0]


def _fired(
    n: IntegerNeuron, v: Tensor, theta: Tensor, amount: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(output, membrane, owed to the next step) from the membranes after input."""
    nothing = torch.zeros_like(v)
    if n.emits is Emits.NOTHING:
        return nothing, v, nothing
    if n.emits is Emits.GRADED:
        # Exact: |v| < 2^53, and torch.round takes halves to the even neighbour.
        return (v.double() / 2**n.graded_shift).round().long(), nothing, nothing
    if n.emits is Emits.MULTISPIKE:
        reached = v if n.multispike_ge else v - 1
        spikes = torch.div(reached.clamp(min=0), 2**n.multispike_shift, rounding_mode="floor")
    else:
        spikes = (v > theta).long()
    debt = nothing
    if n.reset is Reset.ZERO:
        v = torch.where(spikes > 0, nothing, v)
    elif n.reset is Reset.SUBTRACT and n.late_reset:
        debt = spikes * amount
    elif n.reset is Reset.SUBTRACT:
        v = v - spikes * amount
    return spikes, v if n.v_min is None else v.clamp(min=n.v_min), debt


def _at(values: Tensor, t: int) -> Tensor:
    return values[t] if values.ndim == 4 else values
