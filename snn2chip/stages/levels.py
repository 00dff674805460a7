"""The levels of one model, one after the other: read, lower, quantize. What `check`, `compile` and `trace` share."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from snn2chip.chip.having import with_targets
from snn2chip.chip.mesh import mesh_of
from snn2chip.chip.target import Target, load_target, unlikely
from snn2chip.circuit.types import Circuit
from snn2chip.errors import Finding, Severity, StatementError, errors_of
from snn2chip.inputs import InputData, arrange, load_array
from snn2chip.lowering import Lowered, lower
from snn2chip.model import LoadedModel, load_model
from snn2chip.options import BuildOptions
from snn2chip.progress import Progress
from snn2chip.quantize.input import choose_input
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.quantize.weights import narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """A model on all levels above the chip; `findings` of every stage so far."""

    model: LoadedModel
    lowered: Lowered
    target: Target
    qc: QuantizedCircuit
    findings: tuple[Finding, ...]

    @property
    def circuit(self) -> Circuit:
        """The float circuit."""
        return self.lowered.circuit


def target_of(options: BuildOptions) -> Target:
    """The target, which has the board that is asked for: both are checked before anything slow."""
    target = load_target(options.target)
    mesh_of(target, options.place.board)
    return target


def read(options: BuildOptions, progress: Progress) -> LoadedModel:
    """The model and its input; every assumption is told."""
    with progress.stage("read"):
        model = _named(load_model(options.model))
    provenance = model.network.provenance
    for sentence in provenance.assumed:
        progress.note(f"assumed: {sentence}")
    for key in provenance.unused:
        progress.note(f"not used: {key}")
    return model


def _named(model: LoadedModel) -> LoadedModel:
    """The model with the name of its file in place of the path: where it lies must not change a build's bytes."""
    network = model.network
    source = replace(network.provenance, path=Path(network.provenance.path).name)
    return replace(model, network=replace(network, provenance=source))


def quantized(options: BuildOptions, progress: Progress) -> Levels:
    """Read, lower and quantize; findings are collected, none raises."""
    target = target_of(options)
    model = read(options, progress)
    with progress.stage("lower"):
        lowered = lower(model.network)
    stop_at(lowered.findings)
    q = options.quantize
    circuit = lowered.circuit
    with progress.stage("quantize"):
        grid = choose_input(
            circuit.input.shape, circuit.input.kind, model.inputs, bits=q.input_bits
        )
        qc, findings = quantize(
            circuit,
            narrowed(target.widths, q.weight_bits),
            target=target.name,
            method=q.method,
            calibration=calibration(options, circuit),
            input=grid,
            free_scales=q.free_scales,
            allow=q.allow,
        )
    return Levels(
        model=model,
        lowered=lowered,
        target=target,
        qc=qc,
        findings=allowed(
            (*unlikely(target, target.name), *lowered.findings, *with_targets(findings)), q.allow
        ),
    )


def allowed(findings: Iterable[Finding], codes: tuple[str, ...]) -> tuple[Finding, ...]:
    """The findings, with errors of the codes that the user allows turned into warnings that say so."""

    def weigh(f: Finding) -> Finding:
        if f.severity is Severity.ERROR and f.code in codes:
            return replace(f, severity=Severity.WARNING, help=f"allowed by --allow {f.code}")
        return f

    return tuple(weigh(f) for f in findings)


def stop_at(findings: Iterable[Finding]) -> None:
    """Raise the error findings, all at once, as one statement that is false."""
    errors = errors_of(findings)
    if errors:
        raise StatementError.of(errors)


def calibration(options: BuildOptions, circuit: Circuit) -> InputData | None:
    """The calibration input that the options name, or None."""
    path = options.quantize.calibration
    if path is None:
        return None
    array = load_array(path)
    return arrange(
        array, options.model.layout, circuit.input.kind, circuit.input.shape, circuit.steps
    )
