"""`exact`: the fewest spike-hops of all placements, by integer programming; only for small programs.

    minimise   Σ messages(a, b) · (|east(a) - east(b)| + |south(a) - south(b)|)
    subject to each core in one tile, each tile with at most as many cores as it has

CP-SAT of OR-tools solves it from the placement of `swap`; where the time runs out, what it has is returned with the
bound that was proved. One worker and a limit of deterministic time: the same seed, the same placement.
"""

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.mesh import Grid
from snn2chip.chip.place import swap
from snn2chip.chip.place.traffic import Traffic
from snn2chip.chip.place.types import Placed, cost, neighbours_of
from snn2chip.errors import Snn2ChipError

MOST_CORES = 32


def place(traffic: Traffic, grid: Grid, seed: int, seconds: float) -> Placed:
    """The best placement that was found, and the bound that was proved. Errors: place-exact, package-missing."""
    if traffic.cores > MOST_CORES:
        raise Snn2ChipError(
            "place-exact",
            "--place exact",
            "is for small programs",
            have=f"{traffic.cores} cores",
            need=f"at most {MOST_CORES}",
            help="take --place swap",
        )
    begin = swap.place(traffic, grid, seed, seconds)
    if cost(traffic, grid, begin.places) == 0:
        return begin
    return _solve(traffic, grid, begin.places, seed, seconds)


def _solve(traffic: Traffic, grid: Grid, begin: IntArray, seed: int, seconds: float) -> Placed:
    try:
        from ortools.sat.python import cp_model
    except ImportError as e:
        raise Snn2ChipError(
            "package-missing",
            "--place exact",
            "ortools is not installed",
            help="pip install 'snn2chip[place]', or take --place swap",
        ) from e
    spots, spot, room = np.unique(
        np.stack([grid.east, grid.south], 1), axis=0, return_inverse=True, return_counts=True
    )
    spot = spot.ravel()
    model = cp_model.CpModel()
    inside = [[model.new_bool_var("") for _ in spots] for _ in range(traffic.cores)]
    for core, row in enumerate(inside):
        model.add_exactly_one(row)
        for s, here in enumerate(row):
            model.add_hint(here, int(spot[begin[core]]) == s)
    for s, most in enumerate(room.tolist()):
        model.add(sum(row[s] for row in inside) <= most)
    terms = []
    for axis in range(2):
        at = spots[:, axis].tolist()
        span = max(at)
        where = [model.new_int_var(0, span, "") for _ in inside]
        for row, position in zip(inside, where, strict=True):
            model.add(position == sum(a * here for a, here in zip(at, row, strict=True)))
        for a, b, messages in _pairs(traffic):
            far = model.new_int_var(0, span, "")
            model.add(far >= where[a] - where[b])
            model.add(far >= where[b] - where[a])
            terms.append(messages * far)
    model.minimize(sum(terms))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.max_deterministic_time = seconds
    status = solver.solve(model)
    bound = int(np.ceil(solver.best_objective_bound - 1e-6))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Placed(places=begin, bound=max(bound, 0))
    chosen = [next(s for s, here in enumerate(row) if solver.value(here)) for row in inside]
    found = _places(np.array(chosen), spot)
    better = min((found, begin), key=lambda p: cost(traffic, grid, p))
    return Placed(places=better, bound=max(bound, 0))


def _pairs(traffic: Traffic) -> list[tuple[int, int, int]]:
    """Each pair of cores that talk, with their messages in both directions."""
    n = neighbours_of(traffic)
    source = np.repeat(np.arange(traffic.cores), np.diff(n.first))
    keep = source < n.other
    columns = (source[keep], n.other[keep], n.messages[keep])
    return [(int(a), int(b), int(m)) for a, b, m in zip(*columns, strict=True)]


def _places(chosen: IntArray, spot: IntArray) -> IntArray:
    """A place of its own in the chosen tile for each core, in their order."""
    found = np.zeros(len(chosen), np.int64)
    for s in np.unique(chosen):
        cores = np.flatnonzero(chosen == s)
        found[cores] = np.flatnonzero(spot == s)[: len(cores)]
    return found
