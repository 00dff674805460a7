"""Spike rasters: a few neurons of each layer over the steps of the first samples, as SVG paths."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.recording import Outputs, Recording
from snn2chip.report.data import Raster

ROWS = 40
COLUMNS = 48
LAYERS = 24


def rasters(recording: Recording) -> tuple[Raster, ...]:
    """One raster for each layer that fired; at most LAYERS of them, evenly chosen."""
    fired = [name for name, values in recording.outputs.items() if np.any(values)]
    chosen = [fired[i] for i in evenly(len(fired), LAYERS)]
    return tuple(raster(name, recording.outputs[name]) for name in chosen)


def raster(layer: str, outputs: Outputs) -> Raster:
    """outputs: [T, N, ...]. Columns are the steps of sample 0, then of sample 1 …; rows are neurons that fired."""
    steps, available = outputs.shape[:2]
    samples = max(1, min(available, COLUMNS // steps))
    line = outputs[:, :samples].reshape(steps, samples, -1).transpose(2, 1, 0)
    values = line.reshape(len(line), -1)
    active = np.flatnonzero(values.any(1))
    shown = values[active[evenly(len(active), ROWS)]]
    return Raster(
        layer=layer,
        neurons=len(values),
        rows=len(shown),
        samples=samples,
        steps=steps,
        paths=(
            squares(np.abs(shown) == 1),
            squares(np.abs(shown) == 2),
            squares(np.abs(shown) > 2),
        ),
    )


def squares(on: NDArray[Any]) -> str:
    """SVG path of a unit square at (column, row) of every true value; neighbours in a row are one rectangle.

    >>> squares(np.array([[True, True, False], [False, False, True]]))
    'M0 0h2v1h-2zM2 1h1v1h-1z'
    """
    edges = np.diff(np.pad(on.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, stops = np.argwhere(edges == 1), np.argwhere(edges == -1)
    runs = zip(starts.tolist(), stops.tolist(), strict=True)
    return "".join(f"M{x} {y}h{stop - x}v1h-{stop - x}z" for (y, x), (_, stop) in runs)


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, evenly spaced.

    >>> evenly(3, 5), evenly(10, 3)
    ([0, 1, 2], [0, 3, 6])
    """
    taken = min(count, most)
    return [i * count // taken for i in range(taken)]
