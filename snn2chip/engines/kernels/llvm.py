"""Writing LLVM instructions for compiled code: the few words that the inner loops are made of."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# llvmlite ships no types: named as its own classes, these would be unknown to a user's type checker.
Builder = Any
"""An llvmlite IRBuilder."""
Kind = Any
"""An llvmlite type."""
Value = Any
"""An llvmlite value."""

I8: Kind = ir.IntType(8)
I16: Kind = ir.IntType(16)
I32: Kind = ir.IntType(32)
I64: Kind = ir.IntType(64)


def inner_loop(write: Callable[..., Any]) -> Any:
    """A function for compiled code, of int64 arguments, from the function `write` that writes its LLVM instructions.

    It returns the int64 that `write` returns, or nothing.
    """
    result = types.int64 if write.__annotations__["return"] is Value else types.void

    def typed(_typing: Any, *args: Any) -> Any:
        def build(context: Any, b: Builder, _signature: Any, values: Any) -> Value:
            out = write(b, *values)
            return context.get_dummy_value() if out is None else out

        return result(*([types.int64] * len(args))), build

    return intrinsic(wraps(write)(typed))


def i64(x: int) -> Value:
    """The constant x, int64."""
    return ir.Constant(I64, x)


def pointer(b: Builder, address: Value, kind: Kind) -> Value:
    """The address as a pointer to `kind`."""
    return b.inttoptr(address, kind.as_pointer())


def load(b: Builder, address: Value, kind: Kind) -> Value:
    """The `kind` at an address, aligned or not."""
    return b.load(pointer(b, address, kind), align=1)


def store(b: Builder, value: Value, address: Value) -> None:
    """Write a value to an address, aligned or not."""
    b.store(value, pointer(b, address, value.type), align=1)


def variable(b: Builder, value: Value) -> Value:
    """A local variable with this value; LLVM keeps it in a register."""
    place = cgutils.alloca_once(b, value.type)
    b.store(value, place)
    return place


def splat(b: Builder, x: Value, lanes: int) -> Value:
    """A vector of `lanes` times x."""
    kind = ir.VectorType(x.type, lanes)
    one = b.insert_element(ir.Constant(kind, ir.Undefined), x, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), None)
    return b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)


def smaller(b: Builder, x: Value, y: Value) -> Value:
    """The signed minimum."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def larger(b: Builder, x: Value, y: Value) -> Value:
    """The signed maximum."""
    return b.select(b.icmp_signed(">", x, y), x, y)


@contextmanager
def loop_while(b: Builder, condition: Callable[[], Value]) -> Generator[None]:
    """A loop around what is written in the context, while `condition` writes something true."""
    head, body, done = (b.append_basic_block(name) for name in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    b.cbranch(condition(), body, done)
    b.position_at_end(body)
    yield
    b.branch(head)
    b.position_at_end(done)
