"""Flip single bits of packed programs, uniform over the fields of every table, and say what notices each of them.

    python -m tests.chip.fuzz_flips --flips 1000 --seed 0
    python -m tests.chip.fuzz_flips --target loihi1

Three programs. On Loihi 2: every neuron kind with several tiles on a core; gains and biases of each step with numbers
on shortcuts; shortcuts that wait in relays. On Loihi 1: every kernel, masks and rims at borders; shortcuts that wait in
synapses; shortcuts that wait in relays. A flip counts in the column of the first that notices it: unpack (words that no
packing makes), the audit and translation validation (rung 4), the core engine (rung 3: it refuses the tables, or an
output or potential differs). `engine`: how many of those that could be loaded the core engine notices, with three
samples. A flip that nothing notices must leave all unpacked values equal. Exit status 1 where one does not.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from snn2chip.chip.audit import audit
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding, Program
from snn2chip.chip.target import Target, load_target
from snn2chip.chip.unpack import Unpacked, unpack
from snn2chip.chip.validate import validate
from snn2chip.engines import core
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from tests.chip import circuits, fuzz_places, fuzz_places_loihi1, small, tiny
from tests.chip.contents import same
from tests.chip.fuzz_places import Place

COLUMNS = ("unpack", "audit", "validation", "core engine", "equal", "MISSED")
DEEPEST = 300
"""The core engine runs as many steps as the deepest tile asks for; beyond this it is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A program with what it must say: its circuit, and what it does with `inputs`. `places`: by table and field."""

    qc: QuantizedCircuit
    target: Target
    program: Program
    inputs: InputData
    contents: Unpacked
    expected: Recording
    places: dict[tuple[str, str], list[Place]]


@cache
def subjects(chip: str = "loihi2") -> tuple[Subject, ...]:
    """The three programs."""
    return _on_loihi1() if chip == "loihi1" else _on_loihi2()


def _on_loihi2() -> tuple[Subject, ...]:
    loihi2 = load_target("loihi2")
    every = small.residual(3)
    steps = small.stepwise(1)
    relays = circuits.sew_resnet((2, 12, 10), (3,), 3, 4, 1, 3)
    few = tiny.target(neurons=120, parameter_words=60)
    brief = replace(loihi2.quantities["delay.bits"], value=1)
    short = replace(loihi2, quantities={**loihi2.quantities, "delay.bits": brief})
    return (
        _subject(every, loihi2, small.packed(*small.lay_out(every, 3), loihi2)),
        _subject(steps, few, map_circuit(steps, few, coding=Coding.HOST).program),
        _subject(relays, short, map_circuit(relays, short, coding=Coding.GRADED).program),
    )


def _on_loihi1() -> tuple[Subject, ...]:
    every = circuits.for_loihi1(circuits.random_circuit(1))
    sew = circuits.for_loihi1(circuits.small_sew(1))
    whole = load_target("loihi1")
    many = tiny.target("loihi1", neurons=60, synapse_words=400, axons_out=300)
    scarce = tiny.target("loihi1", neurons=200, synapse_words=60)
    return (
        _subject(every, whole, map_circuit(every, whole, coding=Coding.EVENTS).program),
        _subject(sew, many, map_circuit(sew, many, coding=Coding.HOST).program),
        _subject(sew, scarce, map_circuit(sew, scarce, coding=Coding.HOST).program),
    )


def _subject(qc: QuantizedCircuit, target: Target, program: Program) -> Subject:
    inputs = _samples(qc)
    places: dict[tuple[str, str], list[Place]] = {}
    contents = unpack(program, target)
    of = fuzz_places_loihi1 if program.format == "loihi1" else fuzz_places
    for table, field, place in of.places_of(program, contents):
        places.setdefault((table, field), []).append(place)
    return Subject(
        qc=qc,
        target=target,
        program=program,
        inputs=inputs,
        contents=contents,
        expected=core.run_unpacked(program, contents, inputs, qc=qc)[0],
        places=places,
    )


def _samples(qc: QuantizedCircuit) -> InputData:
    """Three samples; as bright as they can be where pixels have many bits."""
    if qc.input.bits <= 4:
        return small.samples(qc, 1)
    values = np.random.default_rng(1).integers(0, qc.input.high, (3, *qc.input.shape))
    return InputData(kind=qc.input.kind, values=values)


def flipped(program: Program, place: Place, bit: int) -> Program:
    """The program with one bit of a place turned over."""
    at = place.first + bit
    mask = np.uint64(1 << at % 64)
    if isinstance(place.core, str):
        tables = [words.copy() for words in program.input_axons[place.core]]
        tables[int(place.memory)][at // 64] ^= mask
        axons = {**program.input_axons, place.core: (tables[0], tables[1])}
        return replace(program, input_axons=axons)
    words = getattr(program.cores[place.core], place.memory).copy()
    words[at // 64] ^= mask
    changed = replace(program.cores[place.core], **{place.memory: words})
    cores = (*program.cores[: place.core], changed, *program.cores[place.core + 1 :])
    return replace(program, cores=cores)


def seen_by(subject: Subject, mutant: Program) -> tuple[str, bool | None]:
    """(the first that notices, whether the core engine does; None where it is not run)."""
    try:
        contents = unpack(mutant, subject.target)
    except StatementError:
        return "unpack", None
    engine = engine_sees(subject, mutant, contents)
    if audit(mutant, subject.target):
        return "audit", engine
    if validate(mutant, subject.target, subject.qc).differing:
        return "validation", engine
    if engine:
        return "core engine", True
    equal = same(contents.cores, subject.contents.cores) and all(
        same(table, subject.contents.hosts[n]) for n, table in contents.hosts.items()
    )
    return "equal" if equal else "MISSED", engine


def engine_sees(subject: Subject, mutant: Program, contents: Unpacked) -> bool | None:
    """Whether the core engine refuses the tables, or what it gives differs."""
    if any(tile.depth > DEEPEST for c in contents.cores for tile in c.tiles):
        return None
    try:
        got, _ = core.run_unpacked(mutant, contents, subject.inputs, qc=subject.qc)
    except StatementError:
        return True
    expected = subject.expected
    pairs = ((got.outputs, expected.outputs), (got.potentials, expected.potentials))
    return any(
        have.keys() != need.keys() or any(not np.array_equal(have[n], need[n]) for n in need)
        for have, need in pairs
    )


def fuzz(
    flips: int, seed: int, chip: str = "loihi2"
) -> tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str]]]:
    """Flips by (table, field, column); and by (table, field) those that could be loaded and the engine saw."""
    rng = np.random.default_rng(seed)
    fields = list(dict.fromkeys(key for s in subjects(chip) for key in s.places))
    found: Counter[tuple[str, str, str]] = Counter()
    engine: Counter[tuple[str, str]] = Counter()
    for _ in range(flips):
        table, name = fields[rng.integers(len(fields))]
        holders = [s for s in subjects(chip) if (table, name) in s.places]
        subject = holders[rng.integers(len(holders))]
        places = subject.places[table, name]
        place = places[rng.integers(len(places))]
        mutant = flipped(subject.program, place, int(rng.integers(place.bits)))
        column, seen = seen_by(subject, mutant)
        found[table, name, column] += 1
        engine[table, name] += bool(seen)
    return found, engine


def main() -> int:
    """Print the table; 1 where a flip was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=("loihi1", "loihi2"), default="loihi2")
    asked = parser.parse_args()
    found, engine = fuzz(asked.flips, asked.seed, asked.target)
    sys.stdout.write("\n".join(table(found, engine)) + "\n")
    return int(any(column == "MISSED" for *_, column in found))


def table(found: Counter[tuple[str, str, str]], engine: Counter[tuple[str, str]]) -> Iterator[str]:
    """Lines: a row for each field, then the sums."""
    widths = [len(c) for c in COLUMNS]
    head = "  ".join(c.rjust(w) for c, w in zip(COLUMNS, widths, strict=True))
    yield f"{'table':<28}{'field':<18}{'flips':>5}  {head}  engine"
    rows = [*dict.fromkeys((t, f) for t, f, _ in sorted(found))]
    for key in rows:
        yield _row(*key, [found[(*key, c)] for c in COLUMNS], engine[key])
    sums = [sum(n for (*_, column), n in found.items() if column == c) for c in COLUMNS]
    yield _row("all", "", sums, engine.total())


def _row(table: str, field: str, counts: list[int], engine: int) -> str:
    cells = "  ".join(str(n or "-").rjust(len(c)) for n, c in zip(counts, COLUMNS, strict=True))
    return f"{table:<28}{field:<18}{sum(counts):>5}  {cells}  {engine or '-':>6}"


if __name__ == "__main__":
    sys.exit(main())
