"""Functions and methods of tensors in forward: what each makes of what its arguments stand for."""

from collections.abc import Callable, Mapping

from torch import Tensor

from snn2chip.errors import did_you_mean
from snn2chip.readers.module import arithmetic, functional, shaping
from snn2chip.readers.module.convert import Converter
from snn2chip.readers.module.proxy import Ref
from snn2chip.readers.module.refuse import refused
from snn2chip.readers.module.tracer import Kind, Step
from snn2chip.readers.module.values import Meaning, Sum

Handler = Callable[[Converter, Step], "Meaning | tuple[Meaning, ...]"]


def convert(c: Converter) -> None:
    """Gives every tensor of the trace its meaning, in the order of the calls."""
    for number, step in enumerate(c.trace.steps):
        ref = Ref(number)
        if step.kind is Kind.FUNCTION:
            c.put(step, ref, call(c, step))
        else:
            c.step(step, ref)


def call(c: Converter, step: Step) -> Meaning | tuple[Meaning, ...]:
    """The meaning of what a function returns; a function that writes into its first argument changes that too."""
    name, in_place = plain_name(step.name)
    handler = HANDLERS.get(name)
    if handler is None:
        raise refused(
            "module-function",
            step.place,
            f"{step.name} is not understood",
            need="sums, products of spikes, pools, flatten, views, sums and means over the steps",
            help=did_you_mean(name, HANDLERS) or "a chip has no such operation",
        )
    meaning = handler(c, step)
    if in_place and isinstance(meaning, Sum):
        _written(c, step, meaning)
    return meaning


def plain_name(name: str) -> tuple[str, bool]:
    """(name without marks, whether the function writes into its first argument): add_, iadd and __iadd__ are add."""
    bare = name.strip("_") if name.startswith("__") else name
    if bare.startswith("i") and bare[1:] in _IN_PLACE:
        return bare[1:], True
    if bare.endswith("_"):
        return bare[:-1], True
    return _ALIASES.get(bare, bare), False


_IN_PLACE = ("add", "sub", "mul", "truediv")
_ALIASES = {
    "multiply": "mul",
    "subtract": "sub",
    "divide": "div",
    "true_divide": "div",
    "truediv": "div",
    "swapaxes": "transpose",
    "negative": "neg",
}


def _written(c: Converter, step: Step, meaning: Sum) -> None:
    """Every tensor that lies in the same memory now means this; one of another shape means nothing any more."""
    written = step.args[0]
    if not isinstance(written, Ref):
        return
    target = c.trace.tensor(written)
    for ref in list(c.meanings):
        other = c.trace.tensor(ref)
        if not _same_memory(other, target):
            continue
        if other.shape != target.shape:
            raise refused(
                "module-write",
                step.place,
                f"{step.name} writes into a tensor that another view shares",
                help="write the sum into a new tensor: a + b",
            )
        c.meanings[ref] = meaning


def _same_memory(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def _same(c: Converter, step: Step) -> Meaning:
    """What only changes how a tensor is kept."""
    source = step.args[0]
    if isinstance(source, Ref) and source in c.meanings:
        return c.meanings[source]
    return c.sum_of(source, step.place)


_KEPT = (
    "contiguous",
    "clone",
    "detach",
    "to",
    "float",
    "double",
    "type",
    "type_as",
    "cpu",
    "requires_grad",
)

HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(_KEPT, _same),
    **arithmetic.HANDLERS,
    **shaping.HANDLERS,
    **functional.HANDLERS,
}
"""Name -> handler. Everything else is refused."""
