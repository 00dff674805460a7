"""`trace`: the spikes of every layer, from any level, as one .npz."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn2chip.build import is_build, open_build
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines.registry import Level, engine
from snn2chip.errors import Snn2ChipError
from snn2chip.files import write_whole
from snn2chip.inputs import InputData
from snn2chip.lowering import lower
from snn2chip.options import BuildOptions
from snn2chip.progress import Progress, Silent
from snn2chip.recording import Outputs
from snn2chip.stages.data import StageInput, existing, on_grid, stage_input
from snn2chip.stages.levels import quantized, read, stop_at
from snn2chip.stages.simulate import run_engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Where the trace is, and each array's shape and mean."""

    path: Path
    engine: str
    shapes: dict[str, tuple[int, ...]]
    rates: dict[str, float]

    def lines(self) -> list[str]:
        """One line for each array."""
        rows = [f"{n:<32} {list(s)!s:<24} mean {self.rates[n]:.4f}" for n, s in self.shapes.items()]
        return [*rows, f"{len(rows)} arrays from the {self.engine} engine in {self.path}"]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        arrays = {n: {"shape": list(s), "mean": self.rates[n]} for n, s in self.shapes.items()}
        return {"trace": str(self.path), "engine": self.engine, "arrays": arrays}


def trace(
    options: BuildOptions,
    output: str | Path,
    *,
    engine: str = "float",
    populations: bool = False,
    progress: Progress | None = None,
) -> Traced:
    """Run a model or a build (`options.model.path`) on `options.model.input_path`; write the spikes to `output`.

    One array [T, N, ...] for each neuron layer, key = the layer's module path; joins and pools as `block#out`.
    `populations`: every population by its own name instead (not at the float level). Engines below circuit
    quantize first.
    """
    tell = progress or Silent()
    path = existing(output)
    run = _of_build if is_build(options.model.path) else _of_model
    arrays = run(options, engine, populations, tell)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_whole(path, buffer.getvalue())
    return Traced(
        path=path,
        engine=engine,
        shapes={n: v.shape for n, v in arrays.items()},
        rates={n: float(v.mean()) for n, v in arrays.items()},
    )


def _of_model(
    options: BuildOptions, name: str, populations: bool, tell: Progress
) -> Mapping[str, Outputs]:
    found = engine(name)
    if found.level is Level.NETWORK:
        model = read(options, tell)
        return found.load()(model.network, _need_input(model.inputs)).outputs  # type: ignore[union-attr]
    if found.level is Level.CIRCUIT:
        model = read(options, tell)
        lowered = lower(model.network)
        stop_at(lowered.findings)
        outputs = found.load()(lowered.circuit, _need_input(model.inputs)).outputs  # type: ignore[union-attr]
        return outputs if populations else layer_outputs(lowered.circuit, outputs)
    levels = quantized(options, tell)
    stop_at(levels.findings)
    data = on_grid(levels.qc, _need_input(levels.model.inputs), tell)
    coding = None if options.quantize.coding is None else Coding(options.quantize.coding)
    if found.level is Level.QUANTIZED:
        outputs = found.load()(levels.qc, data.integers).outputs  # type: ignore[union-attr]
    else:
        mapped = map_circuit(levels.qc, levels.target, coding=coding)
        stop_at(mapped.findings)
        outputs = run_engine(
            name, levels.qc, mapped.program, levels.target, data.integers, tell
        ).outputs
    return outputs if populations else layer_outputs(levels.qc, outputs)


def _of_build(
    options: BuildOptions, name: str, populations: bool, tell: Progress
) -> Mapping[str, Outputs]:
    folder = open_build(options.model.path)
    found = engine(name, (Level.CIRCUIT, Level.QUANTIZED, Level.PROGRAM))
    qc = folder.quantized()
    data: StageInput = stage_input(qc, str(options.model.input_path), options.model.layout, tell)
    if found.level is Level.CIRCUIT:
        circuit = folder.circuit()
        outputs = found.load()(circuit, data.real).outputs  # type: ignore[union-attr]
        return outputs if populations else layer_outputs(circuit, outputs)
    target = load_target(folder.options.target)
    outputs = run_engine(name, qc, folder.program(), target, data.integers, tell).outputs
    return outputs if populations else layer_outputs(qc, outputs)


def _need_input(inputs: InputData | None) -> InputData:
    if inputs is None:
        raise Snn2ChipError("usage", "trace", "needs an input", help="give --input X.npy")
    return inputs
