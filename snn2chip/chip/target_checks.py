"""Limits of a target that contradict each other: no chip can have both."""

from collections.abc import Iterator, Mapping
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


def contradictions(values: Values, boards: tuple[str, ...]) -> Iterator[Contradiction]:
    """All contradictions among `values` (dotted key -> value)."""
    yield from _mesh(values)
    yield from _memories(values)
    yield from _widths(values)
    yield from _delays(values)
    for board in boards:
        yield from _board(values, board)


def _mesh(values: Values) -> Iterator[Contradiction]:
    """The grid less its dead cores is what programs can use."""
    cores = _grid(values)
    dead = tuple(_dead(values, "mesh.dead_cores", cores, None))
    yield from dead
    if dead:  # What is left of the mesh is not known then.
        return
    usable = cores - len(dead_cores(str(values["mesh.dead_cores"])) or ())
    if values["chip.cores"] != usable:
        yield Contradiction(
            key="chip.cores",
            why="is not what the mesh has: columns · rows · tile_cores less its dead cores",
            have=str(values["chip.cores"]),
            need=str(usable),
        )


def _board(values: Values, board: str) -> Iterator[Contradiction]:
    chips, columns = int(values[f"boards.{board}.chips"]), int(values[f"boards.{board}.columns"])
    if columns > chips:
        yield Contradiction(
            key=f"boards.{board}.columns",
            why="more chips side by side than there are",
            have=str(columns),
            need=f"at most {chips}",
        )
    yield from _dead(values, f"boards.{board}.dead_cores", _grid(values), chips)


def _grid(values: Values) -> int:
    columns, rows, each = (int(values[f"mesh.{k}"]) for k in ("columns", "rows", "tile_cores"))
    return columns * rows * each


def _dead(values: Values, key: str, cores: int, chips: int | None) -> Iterator[Contradiction]:
    """Dead cores must be there, once; `chips` None: they are of every chip."""
    listed = dead_cores(str(values[key])) or ()
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


def _widths(values: Values) -> Iterator[Contradiction]:
    """Payloads and flags must say the same, and some threshold must be possible."""
    payload, graded = values["widths.payload_bits"], values["widths.graded"]
    if bool(graded) != (int(payload) > 0):
        yield Contradiction(
            key="widths.payload_bits",
            why="graded spikes have a payload, binary ones none (widths.graded)",
            have=str(payload),
            need="at least 1" if graded else "0",
        )
    step, bits = int(values["widths.threshold_step"]), int(values["widths.threshold_bits"])
    if step >= 1 << (bits - 1):
        yield Contradiction(
            key="widths.threshold_step",
            why=f"no threshold of {bits} bits is a multiple of it",
            have=str(step),
            need=f"below {1 << (bits - 1)}",
        )
    membrane = int(values["widths.membrane_bits"])
    if bits > membrane:
        yield Contradiction(
            key="widths.threshold_bits",
            why="no membrane reaches a threshold that is wider (widths.membrane_bits)",
            have=str(bits),
            need=f"at most {membrane}",
        )


def _delays(values: Values) -> Iterator[Contradiction]:
    """A core that holds spikes back needs bits for it, one that does not has none."""
    at, bits = values["delay.at"], int(values["delay.bits"])
    # Of the packed formats only Loihi 2's has one memory for everything, and delays in axons.
    other = "synapse" if "core.total_words" in values else "axon"
    if at == other:
        yield Contradiction(
            key="delay.at",
            why="this packed format has no field for delays there",
            have=str(at),
            need="none | axon" if other == "synapse" else "none | synapse",
        )
    if (at == "none") != (bits == 0):
        yield Contradiction(
            key="delay.bits",
            why=f"spikes are held back at: {at} (delay.at)",
            have=str(bits),
            need="0" if at == "none" else "at least 1",
        )
