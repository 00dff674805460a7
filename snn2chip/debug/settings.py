"""Other ways to round the same network, each tried: what a command can ask for, and what the layers would need."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from snn2chip.chip.target import Target, available, load_target
from snn2chip.circuit.types import Circuit
from snn2chip.debug.types import Counts, Setting
from snn2chip.errors import Snn2ChipError, errors_of
from snn2chip.inputs import InputData
from snn2chip.options import QuantizeOptions
from snn2chip.quantize.input import EXACT_BITS, choose_input
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.types import QuantizedCircuit, Widths
from snn2chip.quantize.weights import narrowed

WIDEST = 16
"""Weight bits that are asked about at most."""

TARGET_BITS = 8
"""Weight bits that a target file can say."""

IMAGINED = "tiny"
"""The target that comes with us to learn with, and does not exist."""

FINE_FRACTION, FINE_BIAS = 16, 32

NAMED = 3
"""So many layers are named; more are counted."""

Judge = Callable[[str, QuantizedCircuit], Counts]
"""Runs the network rounded like this; the words say how, and are no others' words."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What is rounded: `inputs` decide the input's grid, `rounded_input` whether that loses anything."""

    circuit: Circuit
    target: Target
    options: QuantizeOptions
    inputs: InputData
    calibration: InputData | None
    rounded_input: bool

    @property
    def widths(self) -> Widths:
        """What it is rounded to."""
        return narrowed(self.target.widths, self.options.weight_bits)


def tried(
    s: Subject, culprits: tuple[str, ...], judge: Judge, mends: Callable[[Counts], bool]
) -> Iterator[Setting]:
    """Settings of the commands, then of a target file, then what `culprits` alone would need."""
    for words, options, target in _commands(s):
        yield _try(words, s, options, narrowed(target.widths, options.weight_bits), judge)
    yield from _wider(s, judge, mends)
    finer = fine_neurons(s.widths)
    if finer != s.widths:
        words = f"target file: {_difference(s.widths, finer)}"
        yield _try(words, s, s.options, finer, judge)
    names = tuple(name for name in culprits if _is_population(s.circuit, name))
    if names:
        yield from _layers(s, names, judge, mends)


def fine_neurons(w: Widths) -> Widths:
    """`w` with thresholds, biases and membranes as fine as a target file can say."""
    return replace(
        w,
        threshold_step=1,
        threshold_bits=max(w.threshold_bits, w.membrane_bits),
        bias_bits=max(w.bias_bits, FINE_BIAS),
        bias_exponent_max=0,
        fraction_bits=max(w.fraction_bits, FINE_FRACTION),
        fraction_fixed=False,
    )


def _commands(s: Subject) -> Iterator[tuple[str, QuantizeOptions, Target]]:
    o = s.options
    for method in ("max", "mse", "agree"):
        if method != o.method and (method != "agree" or s.calibration is not None):
            file = f" --calibration {o.calibration}" if method == "agree" else ""
            yield f"--method {method}{file}", replace(o, method=method), s.target
    if not o.free_scales:
        yield "--free-scales", replace(o, free_scales=True), s.target
    if s.rounded_input and o.input_bits != EXACT_BITS:
        yield f"--input-bits {EXACT_BITS}", replace(o, input_bits=EXACT_BITS), s.target
    for target in map(load_target, available()):
        if target.name != IMAGINED and _finer(target.widths, s.target.widths):
            yield f"--target {target.name}", o, target


def _wider(s: Subject, judge: Judge, mends: Callable[[Counts], bool]) -> Iterator[Setting]:
    """More weight bits, up to the first that mend: as many as the target has, then as many as a file can say."""
    for bits in range(s.widths.weight_bits + 1, TARGET_BITS + 1):
        wider = replace(s.widths, weight_bits=bits)
        known = bits <= s.target.widths.weight_bits
        words = f"--weight-bits {bits}" if known else f"target file: {_difference(s.widths, wider)}"
        done = _try(words, s, s.options, wider, judge)
        yield done
        if done.counts is not None and mends(done.counts):
            return


def _layers(
    s: Subject, names: tuple[str, ...], judge: Judge, mends: Callable[[Counts], bool]
) -> Iterator[Setting]:
    """Finer neurons, and the fewest weight bits that mend, of the named layers alone."""
    w = s.widths
    where = ", ".join(names) if len(names) <= NAMED else f"the {len(names)} layers of the bisection"

    def ask(widths: Widths) -> Setting:
        change = _difference(w, widths)
        finer = dict.fromkeys(names, widths)
        done = _try(f"only in {', '.join(names)}: {change}", s, s.options, w, judge, finer)
        return replace(done, words=f"only in {where}: {change}", reachable=False)

    if fine_neurons(w) != w:
        yield ask(fine_neurons(w))
    most = ask(replace(w, weight_bits=WIDEST))
    if most.counts is None or not mends(most.counts):
        yield most
        return
    for bits in range(w.weight_bits + 1, WIDEST):
        fewer = ask(replace(w, weight_bits=bits))
        if fewer.counts is not None and mends(fewer.counts):
            yield fewer
            return
    yield most


def _try(
    words: str,
    s: Subject,
    options: QuantizeOptions,
    widths: Widths,
    judge: Judge,
    finer: dict[str, Widths] | None = None,
) -> Setting:
    """The setting, with what it gives; what cannot be rounded like this says why."""
    x = s.circuit.input
    try:
        qc, findings = quantize(
            s.circuit,
            widths,
            target=s.target.name,
            method=options.method,
            calibration=s.calibration,
            input=choose_input(x.shape, x.kind, s.inputs, bits=options.input_bits),
            free_scales=options.free_scales,
            allow=options.allow,
            finer=finer,
        )
    except Snn2ChipError as e:
        return Setting(words=words, counts=None, refused=e.finding.code)
    if errors := errors_of(findings):
        return Setting(words=words, counts=None, refused=f"{errors[0].code}: {errors[0].why}")
    return Setting(words=words, counts=judge(words, qc))


def _finer(a: Widths, b: Widths) -> bool:
    """Whether `a` is nowhere coarser than `b`, and somewhere finer."""
    pairs = [
        (a.weight_bits, b.weight_bits),
        (-a.threshold_step, -b.threshold_step),
        (a.membrane_bits, b.membrane_bits),
        (a.bias_bits + a.bias_exponent_max, b.bias_bits + b.bias_exponent_max),
        (-a.bias_exponent_max, -b.bias_exponent_max),
        (a.fraction_bits, b.fraction_bits),
        (not a.fraction_fixed, not b.fraction_fixed),
    ]
    return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)


def _difference(before: Widths, after: Widths) -> str:
    """`widths.weight_bits = 8` for every key that is another one."""
    changed = (
        (name, getattr(after, name))
        for name in Widths.__dataclass_fields__
        if getattr(after, name) != getattr(before, name)
    )
    return ", ".join(f"widths.{name} = {str(value).lower()}" for name, value in changed)


def _is_population(circuit: Circuit, name: str) -> bool:
    return any(p.name == name for p in circuit.populations)
