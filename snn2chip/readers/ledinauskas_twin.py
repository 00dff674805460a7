"""The twin of a quantized network after Ledinauskas et al., as a checkpoint of our own training.

The decay stands in the file's `args`, so the twin says the chip's own: (4096 - δ)/4096, and 0 where δ is 4095. Where
the user said another, or the file has no `args`, the twin is refused: read like its source, it would have that decay.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from snn2chip.errors import StatementError
from snn2chip.fixed import DECAY_ONE
from snn2chip.neuron import Compare
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.twin import TwinWriter, Unit, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class LedinauskasPlan:
    """What the writer must know beside the tensors.

    `convs`: in a block. `said`: whether the user gave the decay. `args`: what the file is to say of itself.
    """

    blocks: Sequence[int]
    convs: int
    stem_pool: bool
    decay: float
    said: bool
    threshold: float
    readout: str
    args: Mapping[str, object]


def write_twin(
    qc: QuantizedCircuit, path: Path, container: Container, plan: LedinauskasPlan
) -> tuple[str, ...]:
    """Write the twin of `qc` to `path`, returning its caveats; StatementError where this layout cannot say it."""
    twin = TwinWriter(qc, container)
    kernels: dict[str, list[str]] = {}
    for u in _units(plan, container):
        twin.unit(u.conv, u.norm, u.neuron, bias=not u.shortcut, pool=u.pool)
        kernels.setdefault(u.neuron, []).append(u.conv)
    for neuron, names in kernels.items():
        twin.fires(twin.neurons(neuron), (plan.threshold,), Compare.GREATER)
        twin.shortcut(neuron, names)
    twin.linear(plan.readout, averaged=True)
    return twin.write(path, {**plan.args, "decay": _decay(twin, list(kernels), plan)})


def _units(plan: LedinauskasPlan, container: Container) -> Iterator[Unit]:
    yield Unit(conv="conv1", norm="bn1", neuron="sn1")
    for i, count in enumerate(plan.blocks):
        for j in range(count):
            path = f"layer{i + 1}.{j}"
            last = f"{path}.sn{plan.convs}"
            pool = 2 if plan.stem_pool and i == j == 0 else 1
            for k in range(1, plan.convs + 1):
                yield Unit(
                    conv=f"{path}.conv{k}",
                    norm=f"{path}.bn{k}",
                    neuron=f"{path}.sn{k}",
                    pool=pool if k == 1 else 1,
                )
            conv, norm = f"{path}.downsample.0", f"{path}.downsample.1"
            if f"{conv}.weight" in container.tensors:
                yield Unit(conv=conv, norm=norm, neuron=last, pool=pool, shortcut=True)


def _decay(twin: TwinWriter, neurons: Sequence[str], plan: LedinauskasPlan) -> float:
    """The chip's, where the file may say it."""
    found = {int(d) for name in neurons for d in twin.population(name).neuron.delta.reshape(-1)}
    if len(found) > 1:
        raise refusal(neurons[-1], "its decay differs between neurons")
    (delta,) = found
    # δ = 4095 forgets membranes below 4096 units; of larger ones quantize/float32.py proves nothing
    chips = 0.0 if delta == DECAY_ONE - 1 else (DECAY_ONE - delta) / DECAY_ONE
    if chips != plan.decay and (plan.said or not twin.container.key):
        raise _other_decay(chips, plan, stored="decay" in twin.container.args)
    return chips


def _other_decay(chips: float, plan: LedinauskasPlan, *, stored: bool) -> StatementError:
    way = "leave out --option decay" if stored else f"read it with --option decay={chips}"
    return refusal("decay", f"the chip's decay is {chips}, not {plan.decay:g}: {way}")
