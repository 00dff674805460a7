"""Writing LLVM instructions for compiled code: the few words that the inner loops are made of."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
Value = Any
"""An llvmlite value."""


def inner_loop(write: Callable[..., Any]) -> Any:
    """A function for compiled code, of int64 arguments, from the function `write` that writes its LLVM instructions.

    It returns the int64 that `write` returns, or nothing.
    """
    result = types.int64 if write.__annotations__["return"] is Value else types.void

    def typed(_typing: Any, *args: Any) -> Any:
        def build(context: Any, b: ir.IRBuilder, _signature: Any, values: Any) -> Value:
            out = write(b, *values)
            return context.get_dummy_value() if out is None else out

        return result(*([types.int64] * len(args))), build

    return intrinsic(wraps(write)(typed))


def i64(x: int) -> Value:
    """The constant x, int64."""
    return ir.Constant(I64, x)


def pointer(b: ir.IRBuilder, address: Value, kind: Any) -> Value:
    """The address as a pointer to `kind`."""
    return b.inttoptr(address, kind.as_pointer())


def load(b: ir.IRBuilder, address: Value, kind: Any) -> Value:
    """The `kind` at an address, aligned or not."""
    return b.load(pointer(b, address, kind), align=1)


def store(b: ir.IRBuilder, value: Value, address: Value) -> None:
    """Write a value to an address, aligned or not."""
    b.store(value, pointer(b, address, value.type), align=1)


def variable(b: ir.IRBuilder, value: Value) -> Value:
    """A local variable with this value; LLVM keeps it in a register."""
    place = cgutils.alloca_once(b, value.type)
    b.store(value, place)
    return place


def splat(b: ir.IRBuilder, x: Value, lanes: int) -> Value:
    """A vector of `lanes` times x."""
    kind = ir.VectorType(x.type, lanes)
    one = b.insert_element(ir.Constant(kind, ir.Undefined), x, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), None)
    return b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)


def smaller(b: ir.IRBuilder, x: Value, y: Value) -> Value:
    """The signed minimum."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def larger(b: ir.IRBuilder, x: Value, y: Value) -> Value:
    """The signed maximum."""
    return b.select(b.icmp_signed(">", x, y), x, y)


@contextmanager
def loop_while(b: ir.IRBuilder, condition: Callable[[], Value]) -> Generator[None]:
    """A loop around what is written in the context, while `condition` writes something true."""
    head, body, done = (b.append_basic_block(name) for name in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    b.cbranch(condition(), body, done)
    b.position_at_end(body)
    yield
    b.branch(head)
    b.position_at_end(done)
