"""The mesh: tiles of a chip, chips of a board, which cores are alive, and how far it is from one to another.

A tile has a router and some cores; tiles form a grid on each chip, chips a grid on the board, and each chip is linked
to its four neighbours, so that the tiles of all chips form one large grid. Hops count between tiles; the step from a
chip to the next counts `crossing_hops`. The distance along each axis is a difference of two positions:

    position of column x on a chip in column cx of the board = x + cx · (columns - 1 + crossing_hops)
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.dead_cores import dead_cores
from snn2chip.chip.target import Target
from snn2chip.chip.target_file import Quantity
from snn2chip.errors import Snn2ChipError, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """One board, or (`board` "", `chips` None) as many chips as are needed.

    `columns`, `rows`: tiles of a chip. `dead`: cores of every chip, `broken`: (chip, core) of this board.
    """

    board: str
    chips: int | None
    chip_columns: int | None
    columns: int
    rows: int
    tile_cores: int
    crossing_hops: int
    dead: frozenset[int]
    broken: frozenset[tuple[int, int]]

    @property
    def grid_cores(self) -> int:
        """Cores of a chip, dead ones too."""
        return self.columns * self.rows * self.tile_cores

    def alive(self, chip: int) -> list[int]:
        """Numbers of the cores of a chip that programs can use."""
        cores = range(self.grid_cores)
        return [k for k in cores if k not in self.dead and (chip, k) not in self.broken]

    def tile_of(self, core: IntArray) -> tuple[IntArray, IntArray]:
        """(column, row) of the tile of each core on its chip: counted down the columns."""
        tile = core // self.tile_cores
        return tile // self.rows, tile % self.rows

    def position(
        self, chip: IntArray, core: IntArray, chip_columns: int
    ) -> tuple[IntArray, IntArray]:
        """Hops of each core from the north-western corner of the board: (east, south)."""
        x, y = self.tile_of(core)
        cx, cy = chip % chip_columns, chip // chip_columns
        east = x + cx * (self.columns - 1 + self.crossing_hops)
        south = y + cy * (self.rows - 1 + self.crossing_hops)
        return east, south


def mesh_of(target: Target, board: str | None) -> Mesh:
    """The mesh of `target` on one of its boards; None: as many chips as are needed. Errors: board-unknown."""
    if board is not None and board not in target.boards:
        known = tuple(target.boards)
        raise Snn2ChipError(
            "board-unknown",
            "--board",
            f"{target.name} has no board {board!r}",
            need=" | ".join(known) or "a table [boards.NAME] in the target's file",
            help=did_you_mean(board, known),
        )
    table: Mapping[str, Quantity] = {} if board is None else target.boards[board]
    broken = dead_cores(str(table["dead_cores"].value)) if table else ()
    dead = dead_cores(str(target.quantities["mesh.dead_cores"].value))
    return Mesh(
        board=board or "",
        chips=int(table["chips"].value) if table else None,
        chip_columns=int(table["columns"].value) if table else None,
        columns=target.number("mesh.columns"),
        rows=target.number("mesh.rows"),
        tile_cores=target.number("mesh.tile_cores"),
        crossing_hops=target.number("mesh.crossing_hops"),
        dead=frozenset(core for _, core in dead or ()),
        broken=frozenset((chip, core) for chip, core in broken or () if chip is not None),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """The places of the chips in use. Arrays [places], chip after chip, down the columns of each chip.

    `chip`, `core`: as in Placement. `east`, `south`: hops from the north-western corner of the board.
    """

    chip_columns: int
    chip: IntArray
    core: IntArray
    east: IntArray
    south: IntArray


def grid_of(mesh: Mesh, cores: int) -> Grid | None:
    """Places for `cores` cores on the fewest chips, nearest the corner of the board; None where it has too few."""
    columns = mesh.chip_columns or _side(mesh, cores)
    order = _chips(mesh, columns, cores)
    if order is None:
        return None
    used = [(chip, mesh.alive(chip)) for chip in order]
    chip = np.repeat([c for c, _ in used], [len(alive) for _, alive in used]).astype(np.int64)
    core = np.array([k for _, alive in used for k in alive], np.int64)
    east, south = mesh.position(chip, core, columns)
    return Grid(chip_columns=columns, chip=chip, core=core, east=east, south=south)


def capacity(mesh: Mesh) -> int | None:
    """Cores of the whole board that programs can use; None where there are as many chips as are needed."""
    if mesh.chips is None:
        return None
    return mesh.chips * (mesh.grid_cores - len(mesh.dead)) - len(
        {(chip, core) for chip, core in mesh.broken if core not in mesh.dead}
    )


def _side(mesh: Mesh, cores: int) -> int:
    """The side of the smallest square of chips that holds `cores`."""
    chips = -(-cores // max(mesh.grid_cores - len(mesh.dead), 1))
    return max(int(np.ceil(np.sqrt(chips))), 1)


def _chips(mesh: Mesh, columns: int, cores: int) -> list[int] | None:
    """Chips in use: squares that grow from the corner; then to and fro, so that one chip is beside the next.

    So every chip in use has all chips between it and the western and northern edges in use too: there is always a
    way over chips in use.
    """
    total = mesh.chips if mesh.chips is not None else columns * columns
    by_square = sorted(range(total), key=lambda c: _shell(c % columns, c // columns))
    found: list[int] = []
    room = 0
    for chip in by_square:
        if room >= cores and found:
            break
        found.append(chip)
        room += len(mesh.alive(chip))
    if room < cores:
        return None
    return sorted(found, key=lambda c: _snake(c % columns, c // columns))


def _shell(column: int, row: int) -> tuple[int, int, int]:
    return (max(column, row), int(column <= row), min(column, row))


def _snake(column: int, row: int) -> tuple[int, int]:
    return (column, -row if column % 2 else row)
