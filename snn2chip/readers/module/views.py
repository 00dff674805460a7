"""Views of a tensor: what they do to the axes of steps and samples, and to the map."""

import math
from typing import TYPE_CHECKING

from torch import Tensor

from snn2chip.readers.module.proxy import Ref
from snn2chip.readers.module.refuse import Place, refused
from snn2chip.readers.module.values import Axes, Sum

if TYPE_CHECKING:
    from snn2chip.readers.module.convert import Converter

_FOLDS = {
    Axes.TIME: (Axes.TIME, Axes.MERGED),
    Axes.MERGED: (Axes.MERGED, Axes.TIME),
    Axes.SECOND: (Axes.SECOND, Axes.MERGED_SECOND),
    Axes.MERGED_SECOND: (Axes.MERGED_SECOND, Axes.SECOND),
}
"""What a view can make of the axes of steps and samples."""


def reshape(c: "Converter", ref: Ref, x: Sum, out: Tensor, place: Place) -> Sum:
    """A view: axes of steps and samples folded or unfolded, the map as it is or as a vector."""
    sizes, before = tuple(out.shape), c.inner(ref, x)
    count = out.numel()
    for axes in _FOLDS.get(x.axes, (x.axes,)):
        first = axes.sizes(c.steps, c.batch)
        inner = sizes[len(first) :]
        if sizes[: len(first)] != first:
            continue
        if inner == before or (len(inner) == 1 and inner[0] * math.prod(first) == count):
            return c.reshaped(x, ref, axes, inner, place)
    first = x.axes.sizes(c.steps, c.batch)
    if sizes[: len(first)] == first and _without_ones(sizes[len(first) :]) == _without_ones(before):
        return x
    raise refused(
        "module-shape",
        place,
        "this view is not understood",
        have=f"{list(c.trace.tensor(ref).shape)} to {list(sizes)}",
        need="steps and samples folded or unfolded, and the map as it is or as one vector",
    )


def _without_ones(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in sizes if n != 1)
