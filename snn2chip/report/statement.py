"""What the report says in words: what was compared, what the source is, what is not claimed, how to repeat it."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping

from snn2chip.chip.program import Program
from snn2chip.chip.split import BALANCED
from snn2chip.chip.target import Target
from snn2chip.chip.target_keys import Status
from snn2chip.engines.registry import ENGINES
from snn2chip.model import IN_MEMORY
from snn2chip.options import BuildOptions
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.report.data import Fact, Matrix, MatrixRow, RungRow
from snn2chip.report.numbers import shape_text
from snn2chip.verify.text import measured
from snn2chip.verify.types import Rung, Verdict

MUST = {
    "0": "equal, but for ties of potential and threshold, each proved to be one",
    "1": "equal, but for ties",
    "1b": "equal, but for ties",
    "2": "equal",
    "2b": "measured: what rounding costs",
    "2c": "equal where proved, else counted",
    "3": "equal, potentials of the read-out too",
    "4": "equal, for every input",
}


def rung_row(rung: Rung) -> RungRow:
    """A rung with what had to hold, and whether it does."""
    return RungRow(
        rung=rung.rung,
        title=rung.title,
        sides=rung.sides,
        must=MUST.get(rung.rung, "equal"),
        state="FAILS" if not rung.passed else "measured" if measured(rung) else "holds",
        compared=rung.compared,
        differing=rung.differing,
        ties=rung.ties,
        first="" if rung.first is None else str(rung.first),
        notes=rung.notes,
    )


def matrix(verdict: Verdict) -> Matrix:
    """Executor by executor, what rung 3 compared."""
    executors = next((r.executors for r in verdict.rungs if r.executors), {})
    rows = zip(*executors.values(), strict=True)
    return Matrix(
        executors=tuple(executors),
        # A recording made elsewhere is called `NAME (recorded)`.
        proves=tuple(ENGINES[name.split(" ")[0]].proves for name in executors),
        rows=tuple(
            MatrixRow(
                layer=counts[0].layer,
                compared=counts[0].compared,
                differing=tuple(c.differing for c in counts),
            )
            for counts in rows
        ),
    )


def identity(
    qc: QuantizedCircuit,
    target: Target,
    options: BuildOptions,
    versions: Mapping[str, str],
    hashes: Mapping[str, str],
) -> tuple[Fact, ...]:
    """Source, how it was understood, target, versions."""
    p, q = qc.provenance, qc.input
    grid = f"{q.bits} bits {'with' if q.signed else 'without'} sign, one is worth {q.scale:g}"
    understood = [f"{key} = {value}" for key, value in p.options.items()]
    return (
        Fact(label="source", value=p.path, note=f"sha256 {p.sha256}"),
        Fact(label="architecture", value=qc.provenance.title, note=", ".join(understood)),
        Fact(
            label="tensors",
            value=f"{p.used} used",
            note=f"not used: {'; '.join(p.unused)}" if p.unused else "all of the file's",
        ),
        Fact(label="steps", value=str(qc.steps), note=f"{q.kind.value} input"),
        Fact(label="input", value=shape_text(q.shape), note=grid),
        Fact(
            label="target", value=target.name, note=f"{target.description}; sha256 {target.sha256}"
        ),
        Fact(label="rounding", value=f"method {options.quantize.method}", note=_scales(options)),
        Fact(label="versions", value=", ".join(f"{k} {v}" for k, v in versions.items())),
        Fact(
            label="sha256",
            value=f"{len(hashes)} file{'s' * (len(hashes) != 1)}",
            note=", ".join(f"{name} {digest}" for name, digest in hashes.items()),
        ),
    )


def _scales(options: BuildOptions) -> str:
    return "free scales" if options.quantize.free_scales else "every scale is a power of two"


def limits(
    qc: QuantizedCircuit, program: Program, target: Target, verdict: Verdict, options: BuildOptions
) -> tuple[str, ...]:
    """What this report does not claim, one sentence each."""
    return tuple(_limits(qc, program, target, verdict, options))


def _limits(
    qc: QuantizedCircuit, program: Program, target: Target, verdict: Verdict, options: BuildOptions
) -> Iterator[str]:
    yield (
        "Everything here was computed and simulated on a CPU. We have never run it on silicon: the vendor's binary "
        "format is not public, so the layout of the packed words is ours, with the word counts that were published."
    )
    samples = next(
        (int(r.measures["samples"]) for r in verdict.rungs if "samples" in r.measures), 0
    )
    yield (
        f"Spikes were compared on {samples} samples; what rounding does on other inputs was not measured."
    )
    if any(r.rung == "4" and r.passed for r in verdict.rungs):
        yield "For every input: the packed tables say exactly the quantized network (rung 4)."
    if verdict.not_exercised:
        yield (
            "No spike on this input, so nothing was learned about them from it: "
            f"{', '.join(verdict.not_exercised)}."
        )
    yield from (f"Not done: {text}." for text in verdict.left_out)
    yield from (f"Assumed about the source: {text}." for text in qc.provenance.assumed)
    for code in options.quantize.allow:
        yield f"Allowed by --allow: findings {code}."
    if program.on_host or program.host_biases:
        names = ", ".join((*program.on_host, *program.host_biases))
        yield f"The host computes the first sums (input coding {program.coding.value}): {names}."
    yield _target_sources(target)
    yield (
        "Energy and time are estimates from counted operations and the prices of the target file, not measurements; "
        "their sources stand beside each number."
    )


def _target_sources(target: Target) -> str:
    found = Counter(q.status for q in target.quantities.values())
    parts = ", ".join(f"{found[s]} {s.value}" for s in Status if found[s])
    assumed = [name for name, q in target.quantities.items() if q.status is Status.ASSUMED]
    return f"Of the {len(target.quantities)} numbers of the target {target.name}: {parts}. " + (
        f"Assumed by us: {', '.join(assumed)}." if assumed else ""
    )


def commands(options: BuildOptions, build: str) -> tuple[Fact, ...]:
    """How to repeat this, and how to look closer; what was a module in memory cannot be repeated by a command."""
    folder = shlex.quote(build)
    given = options.model.input_path or "X.npy"
    layout = f" --layout {options.model.layout}" if options.model.layout else ""
    labels = f" --labels {shlex.quote(options.labels)}" if options.labels else ""
    looks = (
        Fact(
            label=f"snn2chip verify {folder} --input {shlex.quote(given)}{layout}{labels}",
            value="compare again, on this or another input; --engine all with every executor",
        ),
        Fact(
            label=f"snn2chip audit {folder}",
            value="rebuild the network from the packed tables alone",
        ),
    )
    if options.model.path.startswith(IN_MEMORY):
        return looks
    return (
        Fact(label=f"snn2chip rerun {folder}", value="repeat the build and compare the bytes"),
        Fact(label=deploy_command(options, build), value="the same by hand"),
        *looks,
        Fact(
            label=f"snn2chip twin {folder} -o twin.pth",
            value="the network on the chip's grid, as a checkpoint",
        ),
    )


def deploy_command(options: BuildOptions, build: str) -> str:
    """The command line that these options came from."""
    m, q = options.model, options.quantize
    words = ["snn2chip", "deploy", m.path]
    for name, value in (
        ("--arch", m.arch),
        *(("--option", f"{key}={value}") for key, value in m.options.items()),
        ("--shape", None if m.shape is None else ",".join(map(str, m.shape))),
        ("--steps", m.steps),
        ("--convention", m.convention),
        ("--input", m.input_path),
        ("--layout", m.layout),
        ("--labels", options.labels),
        ("--target", options.target),
        ("--method", None if q.method == "max" else q.method),
        ("--calibration", q.calibration),
        ("--weight-bits", q.weight_bits),
        ("--input-bits", q.input_bits),
        ("--coding", q.coding),
        *(("--allow", code) for code in q.allow),
        ("--split", None if options.split == BALANCED else options.split),
        ("--share-cores", None if options.share_cores == "auto" else options.share_cores),
        ("--board", options.place.board),
        ("--place", None if options.place.method == "swap" else options.place.method),
        ("--seed", options.place.seed or None),
        ("--prices", options.prices),
    ):
        if value is not None:
            words += [name, str(value)]
    words += ["--free-scales"] if q.free_scales else []
    return shlex.join([*words, "--out", build])
