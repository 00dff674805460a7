"""Runs a module once on an example and writes down every call of a layer and of a function on tensors of the trace.

This is torch.fx with values: each proxy carries its tensor for the example. So shapes are numbers, loops over the steps
run as they are written, and whatever depends on no input is a constant. What torch.fx would lose or guess, control flow
that depends on values, values that leave the network and writes into a part of a tensor, is refused where it happens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch
import torch.fx
from torch import Tensor, nn
from torch.fx.proxy import Attribute

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.module.proxy import WRITES, WRITES_HELP, Ref, Value
from snn2chip.readers.module.refuse import Place, calling_line, failing_line, refused

_MODEL = "model."


class Kind(Enum):
    """What was called."""

    INPUT = "input"
    MODULE = "module"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One call: `name` is the module's path or the function's name. Tensors of the trace are Refs in `args`.

    `value`: the tensor, or nested tuple of tensors, that came out for the example.
    """

    kind: Kind
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any
    place: Place

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """An argument by place or by name."""
        return self.args[index] if len(self.args) > index else self.kwargs.get(name, default)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """All calls in their order, and what forward returned, with Refs in place of tensors."""

    steps: tuple[Step, ...]
    output: Any

    def tensor(self, ref: Ref) -> Tensor:
        """The example's value of `ref`."""
        value = self.steps[ref.step].value
        for i in ref.index:
            value = value[i]
        return value


def trace(module: nn.Module, example: Tensor, is_leaf: Callable[[nn.Module], bool]) -> Trace:
    """The trace of `module(example)`. Runs in evaluation mode on what the caller gives; states of neurons change."""
    root = _Root(module)
    tracer = _Tracer(example, is_leaf)
    try:
        with torch.no_grad():
            tracer.trace(root)
    except Snn2ChipError:
        raise
    except Exception as e:
        raise _failed(e) from e
    return Trace(steps=tuple(tracer.steps), output=_referenced(root.result))


class _Root(nn.Module):
    """Calls the user's module with one argument, so that other arguments keep their defaults."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.result: Any = None

    def forward(self, x: Any) -> None:
        """Keeps what came out."""
        self.result = self.model(x)


_SHAPES = {
    *("size", "dim", "ndimension", "numel", "stride", "is_floating_point", "is_contiguous"),
    *("get_device", "element_size", "is_complex", "storage_offset", "is_same_size"),
}
_CONSTANTS = {
    *("zeros_like", "ones_like", "full_like", "empty_like"),
    *("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"),
}


class _Tracer(torch.fx.Tracer):
    def __init__(self, example: Tensor, is_leaf: Callable[[nn.Module], bool]) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._example = example
        self._is_leaf = is_leaf
        self._scopes: list[str] = []
        self._evaluating = False

    def refuse(self, code: str, why: str, *, help: str) -> Snn2ChipError:
        """The error at the place where the trace is."""
        return refused(code, self._place(), why, help=help)

    def to_bool(self, obj: torch.fx.Proxy) -> bool:
        del obj
        raise self.refuse(
            "module-control-flow",
            "what runs next depends on the value of a tensor",
            help="a chip program is the same for every input: take the branch out of forward",
        )

    def proxy(self, node: torch.fx.Node) -> Value:
        return Value(node, self)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        del attr, parameter_proxy_cache
        return attr_val  # a parameter depends on no input: it is its value

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        if self._evaluating or not _has_values((args, kwargs)):
            return forward(*args, **kwargs)
        try:
            path = self.path_of_module(m).removeprefix("model").removeprefix(".")
        except NameError as e:
            raise self.refuse(
                "module-unregistered",
                f"{type(m).__name__} is no part of the module",
                help="make it in __init__ and keep it in self or in an nn.ModuleList",
            ) from e
        if self._is_leaf(m):
            return self._record(Kind.MODULE, path, m, args, kwargs)
        self._scopes.append(path)
        try:
            return forward(*args, **kwargs)
        finally:
            self._scopes.pop()

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
        proxy_factory_fn: Any = None,
    ) -> Any:
        del name, type_expr, proxy_factory_fn
        if kind == "placeholder":
            step = self._step(Kind.INPUT, "input", (), {}, self._example)
            return self._wrapped(self._example, Ref(step))
        if kind == "call_method":
            return self._function(
                target, lambda x, *a, **k: getattr(x, target)(*a, **k), args, kwargs
            )
        return self._function(getattr(target, "__name__", str(target)), target, args, kwargs)

    def _function(
        self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name == "__setitem__":
            raise self.refuse("module-write", WRITES, help=WRITES_HELP)
        if name in _SHAPES or name in _CONSTANTS:
            return self._evaluate(function, args, kwargs)
        return self._record(Kind.FUNCTION, name, function, args, kwargs)

    def _record(
        self,
        kind: Kind,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        referenced, named = _referenced(args), _referenced(kwargs)
        value = self._evaluate(function, args, kwargs)
        if not _has_tensors(value):
            raise self.refuse(
                "module-control-flow",
                f"{name} turns a tensor into {type(value).__name__}",
                help="a chip program is the same for every input: keep it a tensor",
            )
        step = self._step(kind, name, referenced, named, value)
        return self._wrapped(value, Ref(step))

    def _evaluate(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        before, self._evaluating = self._evaluating, True
        try:
            return function(*_concrete(args), **_concrete(kwargs))
        finally:
            self._evaluating = before

    def _step(
        self, kind: Kind, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any
    ) -> int:
        step = Step(
            kind=kind, name=name, args=args, kwargs=kwargs, value=value, place=self._place()
        )
        self.steps.append(step)
        return len(self.steps) - 1

    def _place(self) -> Place:
        return Place(path=self._scopes[-1] if self._scopes else "", source=calling_line())

    def _wrapped(self, value: Any, ref: Ref) -> Any:
        """`value` with a proxy for every tensor in it."""
        if isinstance(value, Tensor):
            node = self.create_node("placeholder", f"value_{ref.step}", (), {})
            node.meta["ref"], node.meta["tensor"] = ref, value
            return self.proxy(node)
        if isinstance(value, tuple | list):
            parts = [self._wrapped(x, Ref(ref.step, (*ref.index, i))) for i, x in enumerate(value)]
            return _like(value, parts)
        return value


def _like(value: Any, parts: list[Any]) -> Any:
    """`parts` in a container as `value`, named tuples included."""
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """`value` with `function` of every leaf."""
    if type(value) is dict:
        return {k: _mapped(v, function) for k, v in value.items()}
    if isinstance(value, tuple | list) and not isinstance(value, torch.Size):
        return _like(value, [_mapped(x, function) for x in value])
    if isinstance(value, slice):
        return slice(*(_mapped(x, function) for x in (value.start, value.stop, value.step)))
    return function(value)


def _is_value(x: Any) -> bool:
    """A proxy, or an attribute of one."""
    return type(x) in (Value, Attribute)


def _concrete(value: Any) -> Any:
    return _mapped(value, lambda x: x.node.meta["tensor"] if _is_value(x) else x)


def _referenced(value: Any) -> Any:
    """Refs in place of proxies; constants are kept as they are now."""

    def one(x: Any) -> Any:
        if _is_value(x):
            return x.node.meta["ref"]
        return x.detach().clone() if isinstance(x, Tensor) else x

    return _mapped(value, one)


def _has_values(value: Any) -> bool:
    found: list[Any] = []
    _mapped(value, lambda x: found.append(x) if _is_value(x) else None)
    return bool(found)


def _has_tensors(value: Any) -> bool:
    found: list[Any] = []
    _mapped(value, lambda x: found.append(x) if isinstance(x, Tensor) else None)
    return bool(found)


def _failed(error: Exception) -> Snn2ChipError:
    place = Place(path="", source=failing_line(error.__traceback__))
    message = (str(error).strip() or "no message").splitlines()[0]
    return refused(
        "module-run",
        place,
        f"the module's own forward fails on the example: {type(error).__name__}: {message}",
        help="is the example what forward takes, and the layout right?",
    )
