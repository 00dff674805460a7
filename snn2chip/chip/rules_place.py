"""The rule about places: its docstring is the page of `snn2chip explain map-place`."""

from collections.abc import Iterator

from snn2chip.chip.mesh import Mesh, mesh_of
from snn2chip.chip.rule import Facts, rule
from snn2chip.errors import Finding, Severity, Snn2ChipError


@rule("map-place")
def places(facts: Facts) -> Iterator[Finding]:
    """A core has no place on the board, or one that cannot be: another core's, a dead one, or one that is not there.

    Spikes find their way by this table alone. It is checked against the target's mesh and its board: every core has
    one place, of a chip of the board and of a core of that chip which is alive, and no two cores share one.

    Example: core 126 of a Loihi 2 chip, which is one of the eight that programs cannot use.
    What to do: map the network again.
    """
    placement, cores = facts.program.placement, facts.program.cores
    if len(placement.chip) != len(cores) or len(placement.core) != len(cores):
        yield _wrong(
            "program", "not every core has a place", f"{len(placement.chip)}", f"{len(cores)}"
        )
        return
    try:
        mesh = mesh_of(facts.target, placement.board or None)
    except Snn2ChipError as e:
        yield _wrong(f"board {placement.board}", e.finding.why, "", e.finding.need)
        return
    if mesh.chip_columns not in (None, placement.chip_columns) or placement.chip_columns < 1:
        have, need = str(placement.chip_columns), str(mesh.chip_columns or "at least 1")
        yield _wrong("program", "the chips lie in other columns than the board's", have, need)
    seen: dict[tuple[int, int], int] = {}
    for number, core in enumerate(cores):
        place = (int(placement.chip[number]), int(placement.core[number]))
        where, have = f"core {number}", f"core {place[1]} of chip {place[0]}"
        if place[0] != core.chip:
            yield _wrong(where, "its place is on another chip", have, f"chip {core.chip}")
        yield from _not_there(mesh, where, place, have)
        if place in seen:
            yield _wrong(where, f"core {seen[place]} has the same place", have, "a place each")
        seen[place] = number


def _not_there(mesh: Mesh, where: str, place: tuple[int, int], have: str) -> Iterator[Finding]:
    chip, core = place
    if chip < 0 or (mesh.chips is not None and chip >= mesh.chips):
        yield _wrong(
            where, "its chip is not on the board", have, f"chips 0 to {(mesh.chips or 0) - 1}"
        )
    elif not 0 <= core < mesh.grid_cores:
        need = f"cores 0 to {mesh.grid_cores - 1}"
        yield _wrong(where, "its place is not on the chip", have, need)
    elif core in mesh.dead or place in mesh.broken:
        yield _wrong(where, "its place is a dead core", have, "a core that is alive")


def _wrong(where: str, why: str, have: str, need: str) -> Finding:
    return Finding(
        code="map-place",
        severity=Severity.ERROR,
        where=where,
        why=why,
        have=have,
        need=need,
        help="map the network again",
    )
