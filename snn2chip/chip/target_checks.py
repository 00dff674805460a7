"""Limits of a target that contradict each other: no chip can have both."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from snn2chip.chip.dead_cores import dead_cores

Values = Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """`key` cannot have the value that it has, because of another: `why`."""

    key: str
    why: str
    have: str
    need: str


def contradictions(
    values: Values, boards: tuple[str, ...], format_: str
) -> Iterator[Contradiction]:
    """All contradictions among `values` (dotted key -> value): of keys that are not there, nothing is said."""
    for keys, check in _CHECKS:
        if values.keys() >= keys:
            yield from check(values)
    yield from _memories(values)
    if "delay.at" in values:
        yield from _place_of_delays(values, format_)
    for board in boards:
        chips, columns, dead = (f"boards.{board}.{k}" for k in ("chips", "columns", "dead_cores"))
        if values.keys() >= {chips, columns}:
            yield from _rows_of(values, chips, columns)
        if values.keys() >= _MESH | {chips, dead}:
            yield from _board(values, chips, dead)


def _mesh(values: Values) -> Iterator[Contradiction]:
    """The grid less its dead cores is what programs can use."""
    cores = _grid(values)
    dead = tuple(_dead(values, "mesh.dead_cores", cores, None))
    yield from dead
    if dead:  # What is left of the mesh is not known then.
        return
    usable = cores - len(_listed(values, "mesh.dead_cores"))
    if not usable:
        yield Contradiction(
            key="mesh.dead_cores",
            why="leaves no core of a chip alive",
            have=f"{cores} dead of {cores}",
            need=f"at most {cores - 1} dead",
        )
    elif values["chip.cores"] != usable:
        yield Contradiction(
            key="chip.cores",
            why="is not what the mesh has: columns · rows · tile_cores less its dead cores",
            have=str(values["chip.cores"]),
            need=str(usable),
        )


def _rows_of(values: Values, chips: str, columns: str) -> Iterator[Contradiction]:
    if int(values[columns]) > int(values[chips]):
        yield Contradiction(
            key=columns,
            why="more chips side by side than there are",
            have=str(values[columns]),
            need=f"at most {values[chips]}",
        )


def _board(values: Values, chips: str, dead: str) -> Iterator[Contradiction]:
    """Some core must be left, of a board as of a chip."""
    cores, count = _grid(values), int(values[chips])
    wrong = tuple(_dead(values, dead, cores, count))
    yield from wrong
    of_every_chip = {core for _, core in _listed(values, "mesh.dead_cores") if core < cores}
    usable = cores - len(of_every_chip)
    own = [core for _, core in _listed(values, dead) if core not in of_every_chip]
    if not wrong and usable > 0 and usable * count <= len(own):
        yield Contradiction(
            key=dead,
            why="leaves no core of the board alive, beside those that are dead on every chip",
            have=f"{len(own)} dead of {usable * count}",
            need=f"at most {usable * count - 1} dead",
        )


def _listed(values: Values, key: str) -> tuple[tuple[int | None, int], ...]:
    return dead_cores(str(values[key])) or ()


def _grid(values: Values) -> int:
    columns, rows, each = (int(values[f"mesh.{k}"]) for k in ("columns", "rows", "tile_cores"))
    return columns * rows * each


def _dead(values: Values, key: str, cores: int, chips: int | None) -> Iterator[Contradiction]:
    """Dead cores must be there, once; `chips` None: they are of every chip."""
    listed = _listed(values, key)
    for i, (chip, core) in enumerate(listed):
        name = str(core) if chip is None else f"{chip}:{core}"
        there = core < cores and (
            chip is None if chips is None else chip is not None and chip < chips
        )
        if not there:
            form = "a core" if chips is None else f"chip:core, of chips 0 to {chips - 1} and a core"
            yield Contradiction(
                key=key,
                why="lists a core that is not there",
                have=name,
                need=f"{form} from 0 to {cores - 1}",
            )
        elif (chip, core) in listed[:i]:
            yield Contradiction(key=key, why="lists a core twice", have=name, need="each core once")


def _memories(values: Values) -> Iterator[Contradiction]:
    """No part of one shared memory can be larger than the whole."""
    total = values.get("core.total_words")
    for name in ("synapse_words", "axon_map_words", "axon_memory_words", "parameter_words"):
        part = values.get(f"core.{name}")
        if total is not None and part is not None and int(part) > int(total):
            yield Contradiction(
                key=f"core.{name}",
                why="a part is larger than the whole memory, core.total_words",
                have=str(part),
                need=f"at most {total}",
            )


def _payloads(values: Values) -> Iterator[Contradiction]:
    """Payloads and flags must say the same."""
    payload, graded = values["widths.payload_bits"], values["widths.graded"]
    if bool(graded) != (int(payload) > 0):
        yield Contradiction(
            key="widths.payload_bits",
            why="graded spikes have a payload, binary ones none (widths.graded)",
            have=str(payload),
            need="at least 1" if graded else "0",
        )


def _steps(values: Values) -> Iterator[Contradiction]:
    """Some threshold must be possible."""
    step, bits = int(values["widths.threshold_step"]), int(values["widths.threshold_bits"])
    if step >= 1 << (bits - 1):
        yield Contradiction(
            key="widths.threshold_step",
            why=f"no threshold of {bits} bits is a multiple of it",
            have=str(step),
            need=f"below {1 << (bits - 1)}",
        )


def _thresholds(values: Values) -> Iterator[Contradiction]:
    """Some membrane must reach it."""
    bits, membrane = int(values["widths.threshold_bits"]), int(values["widths.membrane_bits"])
    if bits > membrane:
        yield Contradiction(
            key="widths.threshold_bits",
            why="no membrane reaches a threshold that is wider (widths.membrane_bits)",
            have=str(bits),
            need=f"at most {membrane}",
        )


def _place_of_delays(values: Values, format_: str) -> Iterator[Contradiction]:
    """Words of Loihi 2 have delays in axons, those of Loihi 1 in synapses."""
    at, other = values["delay.at"], "synapse" if format_ == "loihi2" else "axon"
    if at == other:
        yield Contradiction(
            key="delay.at",
            why="this packed format has no field for delays there",
            have=str(at),
            need="none | axon" if other == "synapse" else "none | synapse",
        )


def _delays(values: Values) -> Iterator[Contradiction]:
    """A core that holds spikes back needs bits for it, one that does not has none."""
    at, bits = values["delay.at"], int(values["delay.bits"])
    if (at == "none") != (bits == 0):
        yield Contradiction(
            key="delay.bits",
            why=f"spikes are held back at: {at} (delay.at)",
            have=str(bits),
            need="0" if at == "none" else "at least 1",
        )


_MESH = {"mesh.columns", "mesh.rows", "mesh.tile_cores", "mesh.dead_cores"}

_CHECKS: tuple[tuple[set[str], Callable[[Values], Iterator[Contradiction]]], ...] = (
    (_MESH | {"chip.cores"}, _mesh),
    ({"widths.payload_bits", "widths.graded"}, _payloads),
    ({"widths.threshold_bits", "widths.threshold_step"}, _steps),
    ({"widths.threshold_bits", "widths.membrane_bits"}, _thresholds),
    ({"delay.at", "delay.bits"}, _delays),
)
"""All the keys that a check reads, and the check."""
