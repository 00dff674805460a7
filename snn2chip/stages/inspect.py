"""`inspect`: what a model is, how it was recognised, and what was assumed."""

from dataclasses import dataclass

from snn2chip.model import ModelRequest
from snn2chip.network.shapes import shapes
from snn2chip.network.types import Network, Neuron, Provenance
from snn2chip.options import BuildOptions
from snn2chip.progress import Progress, Silent
from snn2chip.stages.levels import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A network as it was read."""

    network: Network

    def lines(self) -> list[str]:
        """Identity, then one line for each layer."""
        n, p = self.network, self.network.provenance
        sizes = shapes(n)
        neurons = sum(_size(sizes[x.name]) for x in n.layers if isinstance(x.op, Neuron))
        rows = [
            f"{x.name:<36} {type(x.op).__name__:<10} {_by(sizes[x.name]):<14} <- {', '.join(x.inputs)}"
            for x in n.layers
        ]
        return [
            f"{p.path}: {p.title}",
            f"sha256 {p.sha256}",
            f"input {_by(n.input.shape)} {n.input.kind.value}, T = {n.steps}, read-out: "
            f"{'mean' if n.readout.mean else 'sum'} of {n.readout.layer} over T",
            f"{len(n.layers)} layers, {neurons:,} spiking neurons, {p.used} tensors used",
            *(f"option {key} = {value}{_from(p, key)}" for key, value in p.options.items()),
            *(f"not used: {key}" for key in p.unused),
            "",
            *rows,
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        n, p = self.network, self.network.provenance
        sizes = shapes(n)
        return {
            "path": p.path,
            "sha256": p.sha256,
            "system": p.system,
            "arch": p.arch,
            "options": dict(p.options),
            "sources": dict(p.sources),
            "assumed": list(p.assumed),
            "unused": list(p.unused),
            "tensors": p.used,
            "input": {"shape": list(n.input.shape), "kind": n.input.kind.value},
            "steps": n.steps,
            "readout": {"layer": n.readout.layer, "mean": n.readout.mean},
            "layers": [
                {
                    "name": x.name,
                    "op": type(x.op).__name__,
                    "inputs": list(x.inputs),
                    "shape": list(sizes[x.name]),
                }
                for x in n.layers
            ],
        }


def inspect_model(request: ModelRequest, *, progress: Progress | None = None) -> Inspected:
    """Read the model that `request` names."""
    return Inspected(network=read(BuildOptions(model=request), progress or Silent()).network)


def _from(p: Provenance, key: str) -> str:
    source = p.sources.get(key)
    return f" ({source})" if source else ""


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _size(shape: tuple[int, int, int]) -> int:
    return shape[0] * shape[1] * shape[2]
