"""What a model file says about itself: names, steps, the grid of the input. Plain words or JSON, by key."""

import json

from onnx import helper

from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation


def metadata(qc: QuantizedCircuit, input_type: int, model: str) -> dict[str, str]:
    """The `metadata_props`: `model` (window or step), `T`, `input.*`, `layers`, `populations`, `joins`, `readout`."""
    i = qc.input
    layers: dict[str, list[str]] = {}
    for p in qc.populations:
        layers.setdefault(p.origin.key, []).append(p.name)
    return {
        "model": model,
        "T": str(qc.steps),
        "input.kind": i.kind.value,
        "input.shape": json.dumps(list(i.shape)),
        "input.scale": repr(i.scale),
        "input.bits": str(i.bits),
        "input.signed": json.dumps(i.signed),
        "input.low": str(i.low),
        "input.high": str(i.high),
        "input.type": str(helper.tensor_dtype_to_np_dtype(input_type)),
        "layers": json.dumps(layers),
        "populations": json.dumps([_population(p) for p in qc.populations]),
        "joins": json.dumps({j.name: list(j.summands) for j in qc.joins}),
        "readout": json.dumps(
            {"population": qc.readout.population, "mean": qc.readout.mean, "unit": _unit(qc)}
        ),
        "target": qc.target,
        "source": json.dumps(
            {
                "system": qc.provenance.system,
                "arch": qc.provenance.arch,
                "sha256": qc.provenance.sha256,
            }
        ),
    }


def _population(p: QuantizedPopulation) -> dict[str, object]:
    return {
        "name": p.name,
        "shape": list(p.shape),
        "layer": p.origin.layer,
        "role": p.origin.role.value,
        "emits": p.neuron.emits.value,
        "unit": p.unit,
    }


def _unit(qc: QuantizedCircuit) -> list[float]:
    """Worth of one unit of the answer, by channel: of a membrane, or of a spike."""
    p = qc.population(qc.readout.population)
    if p.neuron.emits is Emits.NOTHING:
        return [float(s) / 2.0**p.fraction_bits for s in p.scale]
    return [p.unit]
