"""Circuit -> QuantizedCircuit.

Population by population, sources first, since what a source can send bounds the currents.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from snn2chip.circuit.types import INPUT, Circuit, Population, Shape
from snn2chip.errors import Finding, Severity, Snn2ChipError, did_you_mean
from snn2chip.inputs import InputData
from snn2chip.quantize import rules
from snn2chip.quantize.agree import Agreement
from snn2chip.quantize.facts import Method, Sources
from snn2chip.quantize.input import choose_input
from snn2chip.quantize.loss import loss
from snn2chip.quantize.population import Quantized, quantize_population
from snn2chip.quantize.ranges import input_bounds
from snn2chip.quantize.scales import limit_of
from snn2chip.quantize.sums import Bounds
from snn2chip.quantize.types import QuantizedCircuit, QuantizedInput, QuantizedReadOut, Widths


@dataclass(slots=True)
class _Done:
    """What has been quantized so far."""

    bounds: dict[str, Bounds]
    units: dict[str, float]
    shapes: dict[str, Shape]
    populations: list[Quantized] = field(default_factory=list[Quantized])
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def sources(self) -> Sources:
        return Sources(bounds=self.bounds, units=self.units, shapes=self.shapes)

    def add(self, q: Quantized) -> None:
        name = q.population.name
        self.populations.append(q)
        self.bounds[name] = q.reach.output
        self.units[name] = q.population.unit
        self.shapes[name] = q.population.shape


def quantize(
    circuit: Circuit,
    widths: Widths,
    *,
    target: str,
    method: str = "max",
    calibration: InputData | None = None,
    input: QuantizedInput | None = None,
    free_scales: bool = False,
    allow: tuple[str, ...] = (),
    finer: Mapping[str, Widths] | None = None,
) -> tuple[QuantizedCircuit, tuple[Finding, ...]]:
    """(the circuit in integers that fit `widths`, findings).

    `target`: its name, for messages. `method`: max, mse or agree (needs `calibration`, never the input that is judged).
    `input`: the input's grid; else the circuit's own, or one chosen from the calibration input. `free_scales`:
    scales that are no powers of two. `allow`: codes whose errors become warnings. `finer`: populations with other
    widths, of the same membrane: what a layer would need.

    Errors: Snn2ChipError option-value (unknown method), calibration (method agree without it).
    """
    how = _method(method, calibration)
    grid = input or _input(circuit, calibration)
    done = _Done(
        bounds={INPUT: input_bounds(grid)},
        units={INPUT: grid.scale},
        shapes={INPUT: circuit.input.shape},
    )
    agreement = None
    if how is Method.AGREE and calibration is not None:
        agreement = Agreement(circuit, grid, calibration, limit_of(widths))
    for p in circuit.populations:
        own = (finer or {}).get(p.name, widths)
        done.findings.extend(rules.features(p, own, target))
        for projection in circuit.into(p.name):
            done.findings.extend(rules.units(projection, done.sources))
        chosen = _chosen(circuit, p, done.sources, own, how, free_scales, agreement)
        done.findings.extend(rules.costs(chosen, own))
        done.add(chosen)
    qc = _circuit(circuit, grid, done.populations, target, widths)
    return qc, tuple(_allowed(done.findings, allow))


def _method(name: str, calibration: InputData | None) -> Method:
    known = [m.value for m in Method]
    if name not in known:
        raise Snn2ChipError(
            "option-value",
            "method",
            f"unknown value {name!r}",
            need=" | ".join(known),
            help=did_you_mean(name, known),
        )
    if Method(name) is Method.AGREE and calibration is None:
        raise Snn2ChipError(
            "calibration",
            "method agree",
            "needs a calibration input",
            help="give --calibration FILE",
        )
    return Method(name)


def _input(circuit: Circuit, sample: InputData | None) -> QuantizedInput:
    x = circuit.input
    if x.scale is None or x.bits is None:
        return choose_input(x.shape, x.kind, sample)
    return QuantizedInput(shape=x.shape, kind=x.kind, scale=x.scale, bits=x.bits, signed=x.signed)


def _chosen(
    circuit: Circuit,
    p: Population,
    sources: Sources,
    widths: Widths,
    method: Method,
    free: bool,
    agreement: Agreement | None,
) -> Quantized:
    if agreement is None:
        return quantize_population(circuit, p, sources, widths, method, free)
    tries = [
        quantize_population(circuit, p, sources, widths, m, free) for m in (Method.MAX, Method.MSE)
    ]
    return agreement.best(tries)


def _circuit(
    circuit: Circuit, grid: QuantizedInput, done: list[Quantized], target: str, widths: Widths
) -> QuantizedCircuit:
    projections = {p.name: p for q in done for p in q.projections}
    losses = {q.population.name: lines for q in done if (lines := loss(q))}
    return QuantizedCircuit(
        input=grid,
        steps=circuit.steps,
        populations=tuple(q.population for q in done),
        projections=tuple(projections[p.name] for p in circuit.projections),
        joins=circuit.joins,
        readout=QuantizedReadOut(population=circuit.readout.population, mean=circuit.readout.mean),
        v_limit=limit_of(widths),
        target=target,
        provenance=circuit.provenance,
        loss=losses,
    )


def _allowed(findings: Iterable[Finding], codes: tuple[str, ...]) -> Iterable[Finding]:
    for f in findings:
        if f.severity is Severity.ERROR and f.code in codes:
            yield replace(f, severity=Severity.WARNING, help=f"allowed by --allow {f.code}")
        else:
            yield f
