"""Synaptic operations as NeuroBench counts them: its own metric on the twin in plain PyTorch, layer by layer."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from snn2chip.model import ModelRequest, load_model
from snn2chip.neuron import Emits
from snn2chip.zoo.run import trace_zoo
from tests.energy.checks.subjects import Run


def count_network(run: Run, scratch: Path) -> dict[str, Any]:
    """{"total": of the whole network, "layers": of each layer}, each over all samples: MACs, ACs, dense.

    The module runs in float64: NeuroBench sums operations in the precision of the module, and float32 would round
    sums above 2^24.
    """
    import torch

    if run.model.write_twin is None:
        raise ValueError("no twin")
    path = scratch / "twin.pth"
    run.model.write_twin(run.qc, path)
    twin = load_model(ModelRequest(path=str(path), shape=run.qc.input.shape))
    if twin.zoo is None:
        raise ValueError("no module")
    module = twin.zoo().double()
    x = run.inputs.values * run.qc.input.scale
    same_spikes(run, trace_zoo(module, x))

    metric = import_module("neurobench.metrics.workload").SynapticOperations
    model = import_module("neurobench.models").TorchModel(module)
    model.register_hooks()
    data = (torch.from_numpy(x), torch.zeros(len(x)))
    with torch.no_grad():
        answer = model(data[0])
        total = metric()(model, answer, data)
        layers = {
            path: metric()(SimpleNamespace(connection_hooks=[hook]), answer, data)
            for hook in model.connection_hooks
            for path, layer in module.named_modules()
            if layer is hook.layer
        }
    return {
        "samples": len(x),
        "total": _of_all(total, len(x)),
        "layers": {path: _of_all(found, len(x)) for path, found in layers.items()},
    }


def same_spikes(run: Run, trace: dict[str, Any]) -> None:
    """The module fires what our integers fire, or the comparison would be of two different runs."""
    for p in run.qc.populations:
        if p.neuron.emits is not Emits.NOTHING:
            np.testing.assert_array_equal(trace[p.origin.key], run.recording.outputs[p.name])


def _of_all(found: dict[str, float], samples: int) -> dict[str, int]:
    """NeuroBench divides whole numbers by the samples; the nearest whole number takes that back exactly."""
    names = {"macs": "Effective_MACs", "acs": "Effective_ACs", "dense": "Dense"}
    return {ours: round(found[theirs] * samples) for ours, theirs in names.items()}
