"""Views, axes of steps, and sums over them."""

from collections.abc import Callable, Mapping
from typing import Any

from snn2chip.network.types import AvgPool2d, Flatten, SumPool2d
from snn2chip.readers.module.arithmetic import scaled, summed
from snn2chip.readers.module.convert import Converter
from snn2chip.readers.module.proxy import Ref
from snn2chip.readers.module.refuse import refused
from snn2chip.readers.module.tracer import Step
from snn2chip.readers.module.values import At, Axes, Meaning, Stack, Sum, at_path
from snn2chip.readers.module.views import reshape


def _view(c: Converter, step: Step) -> Sum:
    return reshape(c, step.args[0], c.sum_of(step.args[0], step.place), step.value, step.place)


def _unsqueeze(c: Converter, step: Step) -> Sum:
    x = c.sum_of(step.args[0], step.place)
    if x.axes is Axes.STEP and step.argument(1, "dim") in (0, -step.value.ndim):
        return Sum(terms=x.terms, axes=Axes.ONE, constant=x.constant, path=x.path)
    raise refused("module-shape", step.place, "an axis that is not the steps'", need="unsqueeze(0)")


def _repeat(c: Converter, step: Step) -> Sum:
    """One image, repeated for every step."""
    x = c.sum_of(step.args[0], step.place)
    before, after = tuple(c.trace.tensor(step.args[0]).shape), tuple(step.value.shape)
    if after == before:
        return x
    whole = {Axes.ONE: Axes.TIME, Axes.STEP: Axes.MERGED}.get(x.axes)
    repeated = whole is not None and after == (before[0] * c.steps, *before[1:])
    if x.axes is Axes.STEP and after == (c.steps, *before):
        whole, repeated = Axes.TIME, True
    if not repeated or whole is None:
        raise refused(
            "module-shape",
            step.place,
            "repeats something else than one image for all steps",
            have=f"{list(before)} to {list(after)}",
            need=f"unsqueeze(0).repeat({c.steps}, 1, …)",
        )
    return Sum(terms=x.terms, axes=whole, constant=x.constant, path=x.path)


def _permute(c: Converter, step: Step) -> Sum:
    """Steps and samples changing places, or everything as it was."""
    x = c.sum_of(step.args[0], step.place)
    rank = step.value.ndim
    order = _order(step, rank)
    if order == list(range(rank)):
        return x
    other = {Axes.TIME: Axes.SECOND, Axes.SECOND: Axes.TIME}.get(x.axes)
    if other is None or order != [1, 0, *range(2, rank)]:
        raise refused(
            "module-shape",
            step.place,
            "moves other axes than those of steps and samples",
            have=order,
        )
    return Sum(terms=x.terms, axes=other, constant=x.constant, path=x.path)


def _order(step: Step, rank: int) -> list[int]:
    if step.name in ("transpose", "swapaxes"):
        a, b = step.argument(1, "dim0") % rank, step.argument(2, "dim1") % rank
        order = list(range(rank))
        order[a], order[b] = order[b], order[a]
        return order
    given: Any = step.args[1:] or step.kwargs.get("dims", ())
    given = given[0] if len(given) == 1 and isinstance(given[0], tuple | list) else given
    return [int(d) % rank for d in given]


def _stack(c: Converter, step: Step) -> Meaning:
    items = tuple(step.argument(0, "tensors"))
    meanings = [c.meanings.get(x) if isinstance(x, Ref) else None for x in items]
    dim = int(step.argument(1, "dim", 0)) % step.value.ndim
    if any(m is None or isinstance(m, Stack) for m in meanings):
        raise refused(
            "module-constant", step.place, "stacks something that is no value of the network"
        )
    sums = [m for m in meanings if isinstance(m, Sum)]
    if len(sums) == len(items):
        whole = _over_steps(c, sums, dim)
        return whole or Stack(items=items, dim=dim)
    return meanings[-1]  # type: ignore[return-value] # membranes over the steps


def _over_steps(c: Converter, sums: list[Sum], dim: int) -> Sum | None:
    """The same value of every step, stacked in their order."""
    axes = {0: Axes.TIME, 1: Axes.SECOND}.get(dim)
    if axes is None or len(sums) != c.steps or any(x.axes is not Axes.STEP for x in sums):
        return None
    first = sums[0]
    wanted = [(at.layer, f) for at, f in first.terms.items()]
    for t, x in enumerate(sums):
        if [
            (at.layer, f) for at, f in x.terms.items()
        ] != wanted or x.constant is not first.constant:
            return None
        if any(at.step not in (None, t) for at in x.terms):
            return None
    terms = {At(at.layer): f for at, f in first.terms.items()}
    return Sum(terms=terms, axes=axes, constant=first.constant, path=first.path)


def _item(c: Converter, step: Step) -> Meaning:
    """x[t], x[:, t], or a part of a tuple."""
    source, key = step.args
    meaning = c.meanings.get(source) if isinstance(source, Ref) else None
    if isinstance(meaning, Stack) and isinstance(key, int):
        return c.sum_of(meaning.items[key], step.place)
    x = c.sum_of(source, step.place)
    if x.axes is Axes.TIME and isinstance(key, int):
        return _at_step(x, key % c.steps)
    if x.axes is Axes.SECOND and _second(key) is not None:
        return _at_step(x, int(_second(key) or 0) % c.steps)
    if x.axes is Axes.ONE and key == 0:
        return Sum(terms=x.terms, axes=Axes.STEP, constant=x.constant, path=x.path)
    if _everything(key):
        return x
    raise refused(
        "module-function",
        step.place,
        "takes a part of a tensor",
        have=f"{key} of {x.axes.value}",
        need="x[t], one step of all",
        help="a part of a map is not understood",
    )


def _second(key: object) -> int | None:
    fits = (
        isinstance(key, tuple) and len(key) >= 2 and _everything(key[0]) and isinstance(key[1], int)
    )
    return key[1] if fits and all(_everything(k) for k in key[2:]) else None  # type: ignore[index]


def _everything(key: object) -> bool:
    return (
        key is Ellipsis
        or key == slice(None)
        or (isinstance(key, tuple) and all(map(_everything, key)))
    )


def _at_step(x: Sum, t: int) -> Sum:
    terms = {At(at.layer, t): f for at, f in x.terms.items()}
    return Sum(terms=terms, axes=Axes.STEP, constant=x.constant, path=x.path)


def _select(c: Converter, step: Step) -> Meaning:
    """x.select(dim, t)."""
    dim = int(step.argument(1, "dim")) % c.trace.tensor(step.args[0]).ndim
    x, t = c.sum_of(step.args[0], step.place), int(step.argument(2, "index"))
    if (x.axes, dim) not in ((Axes.TIME, 0), (Axes.SECOND, 1)):
        raise refused(
            "module-function", step.place, "takes a part of a tensor", need="one step of all"
        )
    return _at_step(x, t % c.steps)


def _unbind(c: Converter, step: Step) -> tuple[Meaning, ...]:
    x = c.sum_of(step.args[0], step.place)
    dim = int(step.argument(1, "dim", 0))
    if (x.axes, dim) not in ((Axes.TIME, 0), (Axes.SECOND, 1)):
        raise refused(
            "module-function", step.place, "takes a tensor apart along another axis than the steps'"
        )
    return tuple(_at_step(x, t) for t in range(c.steps))


def _total(c: Converter, step: Step, mean: bool = False) -> Sum:
    """Sum or mean over the steps, or over a stack."""
    source = step.args[0]
    dims = _dims(step)
    meaning = c.meanings.get(source) if isinstance(source, Ref) else None
    if isinstance(meaning, Stack) and dims == [meaning.dim]:
        factor = 1.0 / len(meaning.items) if mean else 1.0
        return summed(c, step, [(x, factor) for x in meaning.items])
    x = c.sum_of(source, step.place)
    if (x.axes, dims) not in ((Axes.TIME, [0]), (Axes.SECOND, [1])) or step.kwargs.get("keepdim"):
        return _pooled(c, step, x, dims, mean)
    terms = {At(at.layer): f for at, f in x.terms.items()}
    total = Sum(terms=terms, axes=Axes.TOTAL, constant=x.constant, path=x.path)
    if not x.plain:
        at, _, _ = c.graph.value(x, step.place)
        total = Sum(terms={At(at.layer): 1.0}, axes=Axes.TOTAL)
    return scaled(total, 1.0 / c.steps) if mean else total


def _pooled(c: Converter, step: Step, x: Sum, dims: list[int], mean: bool) -> Sum:
    """Sum or mean over rows and columns: a pool of the whole map, as a vector."""
    rank = c.trace.tensor(step.args[0]).ndim
    inner = c.inner(step.args[0], x)
    if sorted(d % rank for d in dims) != [rank - 2, rank - 1] or len(inner) != 3:
        raise refused(
            "module-function",
            step.place,
            f"{step.name} over axes that are not the steps'",
            have=f"axes {dims} of {list(c.trace.tensor(step.args[0]).shape)}, {x.axes.value}",
            help="sum over the steps, or over rows and columns",
        )
    kind = AvgPool2d if mean else SumPool2d
    size = (inner[1], inner[2])
    name = at_path(step.place.path, step.name)
    pooled = c.layer(x, (kind.__name__, size), name, kind(kernel=size, stride=size), step.place)
    if step.kwargs.get("keepdim"):
        return pooled
    return c.layer(pooled, "flatten", f"{name}#flat", Flatten(), step.place)


def _dims(step: Step) -> list[int]:
    dims: Any = step.argument(1, "dim", step.kwargs.get("axis"))
    if dims is None:
        raise refused(
            "module-function",
            step.place,
            f"{step.name} over all axes, samples included",
            need="dim=0",
        )
    return [int(d) for d in dims] if isinstance(dims, tuple | list) else [int(dims)]


HANDLERS: Mapping[str, Callable[[Converter, Step], Any]] = {
    **dict.fromkeys(("flatten", "view", "reshape", "unflatten", "squeeze", "ravel"), _view),
    "unsqueeze": _unsqueeze,
    "repeat": _repeat,
    "expand": _repeat,
    "permute": _permute,
    "transpose": _permute,
    "stack": _stack,
    "getitem": _item,
    "select": _select,
    "unbind": _unbind,
    "sum": _total,
    "mean": lambda c, step: _total(c, step, mean=True),
}
