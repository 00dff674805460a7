"""`compile`: a model to a build folder. Everything is made in memory and written at the end, whole or not at all."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import snn2chip.build as build
from snn2chip.chip.align import check_aligned
from snn2chip.chip.audit import audit
from snn2chip.chip.certificate import Certificate, certificate
from snn2chip.chip.examine import examine
from snn2chip.chip.files import save as save_program
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding, Program
from snn2chip.chip.validate import Validation
from snn2chip.circuit.nir import write as write_nir
from snn2chip.errors import Finding
from snn2chip.files import sha256, write_folder
from snn2chip.lowering import Lowered
from snn2chip.options import BuildOptions
from snn2chip.progress import Progress, Silent
from snn2chip.quantize.files import save as save_quantized
from snn2chip.stages.levels import Levels, allowed, quantized, stop_at
from snn2chip.stages.rates import rates_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A model on all levels, and where it was written. `replaced`: what was there and is gone: another build, or ""."""

    levels: Levels
    program: Program
    certificate: Certificate
    validation: Validation | None
    findings: tuple[Finding, ...]
    path: Path
    replaced: str = ""

    def lines(self) -> list[str]:
        """What was made, for people."""
        qc, program = self.levels.qc, self.program
        neurons = sum(p.shape[0] * p.shape[1] * p.shape[2] for p in qc.populations)
        n = len(program.cores)
        weights = sum(p.weight.size for p in qc.projections)
        return [
            f"{len(qc.populations)} populations, {neurons:,} neurons, {weights:,} weights",
            f"{n} core{'s' * (n != 1)} on {program.chips} chip(s) of {program.target}; "
            f"input by {program.coding.value}",
            f"placement: {program.placement}",
            self._validated(),
            *self.certificate.lines(),
            *(str(f) for f in self.findings),
            f"build folder: {self.path}",
            *self.gone(),
        ]

    def gone(self) -> list[str]:
        """The line that says what the build takes the place of."""
        return [f"replaced: {self.replaced}"] if self.replaced else []

    def _validated(self) -> str:
        if self.validation is None:
            return "validation: left out, without alignment the program does not run"
        v = self.validation
        return f"validation: {v.compared:,} table entries rebuilt, {v.differing} differ"

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        v = self.validation
        return {
            "build": str(self.path),
            "replaced": self.replaced or None,
            "populations": len(self.levels.qc.populations),
            "cores": len(self.program.cores),
            "chips": self.program.chips,
            "coding": self.program.coding.value,
            "placement": self.program.placement.to_dict(),
            "compared": None if v is None else v.compared,
            "differing": None if v is None else v.differing,
            "findings": [f.to_dict() for f in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A program that fits its target and says its network. `validation`: None where it was mapped without alignment."""

    program: Program
    validation: Validation | None
    findings: tuple[Finding, ...]


def compile_model(
    options: BuildOptions, out: str | Path, *, progress: Progress | None = None
) -> Compiled:
    """Read, lower, quantize, map, audit and validate; write the build folder `out`.

    Errors: Snn2ChipError where an input cannot be used; StatementError where the network does not fit the target.
    """
    tell = progress or Silent()
    path = build.check_out(out)
    levels = quantized(options, tell)
    stop_at(levels.findings)
    made = mapped(levels, options, tell)
    findings = (*levels.findings, *made.findings)
    certified = certificate(made.program, levels.target)
    replaced = build.replaced(path, options, inputs(options, levels))
    _write(path, options, levels, made.program, certified, findings)
    return Compiled(
        levels=levels,
        program=made.program,
        certificate=certified,
        validation=made.validation,
        findings=findings,
        path=path,
        replaced=replaced,
    )


def mapped(levels: Levels, options: BuildOptions, tell: Progress) -> Mapped:
    """Map, audit and validate. Errors: StatementError where the network does not fit the target."""
    program, found = _map(levels, options, tell)
    with tell.stage("audit"):
        if check_aligned(program.schedule, levels.qc):
            audited, validation = audit(program, levels.target), None
        else:
            audited, validation = examine(program, levels.target, levels.qc)
    audited = allowed(audited, options.quantize.allow)
    stop_at(audited)
    differing = () if validation is None else validation.findings
    stop_at(differing)
    return Mapped(program=program, validation=validation, findings=(*found, *audited, *differing))


def _map(
    levels: Levels, options: BuildOptions, tell: Progress
) -> tuple[Program, tuple[Finding, ...]]:
    coding = None if options.quantize.coding is None else Coding(options.quantize.coding)
    with tell.stage("map"):
        aligned = options.align != "none"
        result = map_circuit(
            levels.qc,
            levels.target,
            coding=coding,
            aligned=aligned,
            way=options.split,
            shared=options.share_cores != "none",
            placing=options.place,
            spikes=rates_of(levels) if options.place.searches else None,
        )
    findings = allowed(result.findings, options.quantize.allow)
    stop_at(findings)
    return result.program, findings


def _write(
    path: Path,
    options: BuildOptions,
    levels: Levels,
    program: Program,
    certified: Certificate,
    findings: tuple[Finding, ...],
) -> None:
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_nir(levels.circuit, scratch / "network.nir")
        save_quantized(levels.qc, scratch / "quantized.npz")
        save_program(program, scratch / "program.npz")
        files = {name: (scratch / name).read_bytes() for name in build.COMPILED}
        hashes = {name: sha256(scratch / name) for name in build.COMPILED}
    text = build.description(
        options, findings, passes(levels.lowered), inputs(options, levels), hashes
    )
    files["certificate.json"] = json.dumps(certified.to_dict(), indent=1).encode()
    write_folder(path, {**files, "build.toml": text.encode()})


def inputs(options: BuildOptions, levels: Levels) -> dict[str, str]:
    """sha256 of every file that decided the build."""
    named = {"input": options.model.input_path, "calibration": options.quantize.calibration}
    hashes = {name: sha256(Path(p)) for name, p in named.items() if p is not None}
    return {
        "model": levels.model.network.provenance.sha256,
        "target": levels.target.sha256,
        **hashes,
    }


def passes(lowered: Lowered) -> list[Mapping[str, object]]:
    """What each lowering pass did, for build.toml."""
    return [asdict(note) for note in lowered.passes]
