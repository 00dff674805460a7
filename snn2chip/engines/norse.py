"""The norse engine: norse's own neurons run a circuit in float32, from the nodes that `convert --for norse` writes.

norse's importer makes a module of every node. Values go along the edges here: the walk that norse takes through a
graph (nirtorch.load) runs a sum before a summand that has layers of its own, which most residual shortcuts have.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn2chip.circuit.nir import nir_node
from snn2chip.circuit.nir_file import NirFile, NirNode
from snn2chip.circuit.nir_layout import layout
from snn2chip.circuit.nir_library import graph_for
from snn2chip.circuit.nir_library_neurons import LIBRARIES, check_represents, neuron
from snn2chip.circuit.types import Circuit
from snn2chip.engines.decision import decide
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.network.inputs import check_input
from snn2chip.network.types import InputKind, NetworkInput
from snn2chip.neuron import Emits
from snn2chip.quantize.float32 import float32_twin
from snn2chip.quantize.input import dequantize_input
from snn2chip.quantize.twin import membrane_unit, twin
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs, Recording, compact

with warnings.catch_warnings():  # what norse warns of when it is imported is not ours
    warnings.simplefilter("ignore")
    import nir
    import norse.torch

NORSE = LIBRARIES["norse"]

Modules = Mapping[str, Callable[..., Any]]


def run(
    circuit: Circuit,
    inputs: InputData,
    *,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Recording of `inputs`, as the circuit engine's, but in float32; read-outs are added up in float64.

    `record` False keeps only the potentials and the decision. Errors: StatementError `nir-library` with all that norse
    has no neurons for.
    """
    expected = NetworkInput(shape=circuit.input.shape, kind=circuit.input.kind)
    check_input(expected, circuit.steps, inputs)
    graph, names = graph_for(circuit, NORSE), layout(circuit).populations
    spiking = {p.name: names[p.name] for p in circuit.populations if _sends(p.neuron.emits)}
    sent, answer = _steps(
        graph, circuit.steps, inputs, set(spiking.values()) if record else set(), progress
    )
    readout = circuit.population(circuit.readout.population)
    silent = (circuit.steps, inputs.samples)
    outputs: dict[str, Outputs] = {}
    for p in circuit.populations if record else ():
        node = spiking.get(p.name)
        outputs[p.name] = np.zeros((*silent, *p.shape), np.uint8) if node is None else sent[node]
    total = answer / circuit.steps if circuit.readout.mean else answer
    return Recording(
        engine="norse",
        outputs=outputs,
        potentials={} if readout.name in spiking else {readout.name: answer},
        decision=total.reshape(len(total), -1),
    )


def run_twin(
    qc: QuantizedCircuit,
    inputs: InputData,
    *,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Recording of `inputs` (int64 values): the twin in norse, which fires the chip's spikes by proof.

    Errors: StatementError `nir-library` as in `run`, `float32-twin` where float32 may fire other spikes.
    """
    check_represents(_unrounded(twin(qc)), NORSE)
    circuit = float32_twin(qc)
    _check_decays(circuit)
    real = run(circuit, dequantize_input(qc.input, inputs), progress=progress)
    potentials = {
        name: _whole(v / membrane_unit(qc.population(name)), name)
        for name, v in real.potentials.items()
    }
    return Recording(
        engine="norse",
        outputs=real.outputs if record else {},
        potentials=potentials,
        decision=decide(qc, real.outputs, potentials),
    )


def _sends(emits: Emits) -> bool:
    return emits is not Emits.NOTHING


def _unrounded(circuit: Circuit) -> Circuit:
    return replace(
        circuit,
        populations=tuple(
            replace(p, neuron=replace(p.neuron, rounding=None)) for p in circuit.populations
        ),
    )


def _check_decays(circuit: Circuit) -> None:
    """Norse takes the reciprocal of tau in float32, and some decays 2^-m have no such tau."""
    for p in circuit.populations:
        tau = neuron(p, p.name, NORSE).fields.get("tau") if _sends(p.neuron.emits) else None
        if tau is None:
            continue
        kept = 1.0 - (np.float32(1) / np.asarray(tau, np.float32)).astype(np.float64)
        if not np.array_equal(kept, np.broadcast_to(p.neuron.decay, kept.shape)):
            why = "norse makes another decay of its tau"
            have, need = f"{kept.flat[0]:.10g}", f"{p.neuron.decay.flat[0]:g}"
            raise StatementError("float32-twin", p.name, why, have=have, need=need)


def _whole(units: Outputs, name: str) -> Outputs:
    whole = np.rint(units).astype(np.int64)
    if not np.array_equal(whole, units):
        raise ArithmeticError(f"{name}: a potential in norse is no whole number of units")
    return whole


def _steps(
    graph: NirFile,
    steps: int,
    inputs: InputData,
    recorded: set[str],
    progress: Callable[[float], None] | None,
) -> tuple[dict[str, Outputs], Outputs]:
    """(what leaves the nodes `recorded`, [T, N, C, H, W]; the sum over the steps of what reaches the output)."""
    frames = torch.tensor(inputs.values, dtype=torch.float32)
    outputs: dict[str, list[Outputs]] = {name: [] for name in recorded}
    answer: list[Tensor] = []
    state: dict[str, Any] = {}
    modules = _modules(graph)
    with torch.no_grad(), torch.backends.nnpack.flags(enabled=False):
        for t in range(steps):
            frame = frames if inputs.kind is InputKind.STATIC else frames[t]
            sent, out = _step(graph, modules, frame, state)
            for name, rows in outputs.items():
                rows.append(compact(sent[name].numpy()))
            answer[:] = [sum(answer, start=out.double())]
            if progress is not None:
                progress((t + 1) / steps)
    return {name: np.stack(rows) for name, rows in outputs.items()}, answer[0].numpy()


def _step(
    graph: NirFile, modules: Modules, frame: Tensor, state: dict[str, Any]
) -> tuple[dict[str, Tensor], Tensor]:
    """(what leaves each node, what reaches the output) in one step; `state` becomes the next one."""
    values: dict[str, Tensor] = {}
    into: dict[str, Tensor] = {}
    for name, node in graph.nodes.items():
        if node.type == "Input":
            values[name] = frame
        elif node.type == "Output":
            return values, into[name]
        elif node.type == "Conv2d":
            values[name] = modules[name](into.pop(name))
        else:
            values[name], state[name] = modules[name](into.pop(name), state.get(name))
        for source, target in graph.edges:
            if source == name:
                into[target] = into[target] + values[name] if target in into else values[name]
        if node.type == "Conv2d":
            del values[name]  # currents need no keeping
    raise ValueError("the graph has no output")


def _modules(graph: NirFile) -> Modules:
    """What norse makes of each node: a convolution, or a cell (x, state) -> (spikes, next state)."""
    with warnings.catch_warnings():  # our arrays are read-only, and norse copies them
        warnings.simplefilter("ignore")
        return {
            name: _module(node)
            for name, node in graph.nodes.items()
            if node.type not in ("Input", "Output")
        }


def _module(node: NirNode) -> Callable[..., Any]:
    graph = nir.NIRGraph(
        nodes={
            "input": nir.Input({"input": np.ones(3)}),
            "node": nir_node(node),
            "output": nir.Output({"output": np.ones(3)}),
        },
        edges=[("input", "node"), ("node", "output")],
        type_check=False,
    )
    module: Any = norse.torch.from_nir(graph, ignore_warnings=True, dt=NORSE.dt)
    return module.get_submodule("node")
