"""A tensor of a trace: torch.fx's proxy, which also knows its value for the example."""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.fx
from torch import Tensor

WRITES = "writes into a part of a tensor"
WRITES_HELP = "collect the steps in a list and torch.stack it"


@dataclass(frozen=True, slots=True)
class Ref:
    """Output of step `step`; `index` leads into a nested tuple."""

    step: int
    index: tuple[int, ...] = ()


class Value(torch.fx.Proxy):
    """A tensor of the trace. Its shape and type are those of the example."""

    _is_param = _is_buffer = False  # torch asks these of whatever looks like a tensor
    tracer: Any

    @property
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Tensor  # so that isinstance(x, Tensor) in the user's code holds

    @property
    def ref(self) -> Ref:
        """What it is the output of."""
        return self.node.meta["ref"]

    @property
    def tensor(self) -> Tensor:
        """The example's value."""
        return self.node.meta["tensor"]

    @property
    def shape(self) -> torch.Size:
        """Of the example."""
        return self.tensor.shape

    @property
    def ndim(self) -> int:
        """Of the example."""
        return self.tensor.ndim

    @property
    def dtype(self) -> torch.dtype:
        """Of the example."""
        return self.tensor.dtype

    @property
    def device(self) -> torch.device:
        """Of the example."""
        return self.tensor.device

    @property
    def is_cuda(self) -> bool:
        """Of the example."""
        return self.tensor.is_cuda

    @property
    def is_sparse(self) -> bool:
        """Of the example."""
        return self.tensor.is_sparse

    @property
    def requires_grad(self) -> bool:
        """A trace has no gradients."""
        return False

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        del value

    @property
    def data(self) -> "Value":
        """The same tensor."""
        return self

    def __getitem__(self, key: Any) -> Any:
        return self.tracer.create_proxy("call_function", operator.getitem, (self, key), {})

    def __iadd__(self, other: Any) -> Any:
        return self._in_place(operator.iadd, other)

    def __isub__(self, other: Any) -> Any:
        return self._in_place(operator.isub, other)

    def __imul__(self, other: Any) -> Any:
        return self._in_place(operator.imul, other)

    def __itruediv__(self, other: Any) -> Any:
        return self._in_place(operator.itruediv, other)

    def _in_place(self, function: Callable[[Any, Any], Any], other: Any) -> Any:
        """torch.fx would make a new tensor of `a += b`; what else is the same tensor must see it too."""
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    def __len__(self) -> int:
        return len(self.tensor)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __setitem__(self, key: object, value: object) -> None:
        raise self.tracer.refuse("module-write", WRITES, help=WRITES_HELP)

    def _leaves(self, *_: object, **__: object) -> Any:
        raise self.tracer.refuse(
            "module-control-flow",
            "a value of a tensor becomes a number of Python",
            help="a chip program is the same for every input: keep it a tensor",
        )

    __int__ = _leaves
    __float__ = _leaves
    __index__ = _leaves
    __complex__ = _leaves
    __array__ = _leaves
    item = _leaves
    tolist = _leaves
    numpy = _leaves
