"""The inner loops as LLVM vectors: numba's own loops widen every integer to 64 bits and check every index.

LLVM lowers the vectors to what the machine has (AVX-512, AVX2, SSE2, NEON); the integers are the same everywhere.
Arguments are int64, mostly addresses. Channel counts come in blocks of 16, the lanes of one 512-bit vector of int32.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
BLOCKS = (1, 2, 4, 8, 16)
"""Numbers of blocks that `gather` can hold in registers."""

EVENTS_PER_SUM = 255
"""So many int8 weights fit an int16 sum: 255 * 128 <= 32767."""

BATCH = 8
"""Events are added so many at a time; the list is filled up with the offset of zeros."""

SCRATCH = EVENTS_PER_SUM + 2 * LANES + BATCH
"""Entries of the list in which `gather` collects offsets."""

PLAIN, KEEPS, DECAYS = range(3)
"""Kinds of neurons for `fire`, from the fewest instructions to the most."""

TILE = 4
"""Output pixels that `multiply` computes at once, so that each weight is loaded once for all of them."""

TILE_BLOCKS = (1, 2, 4)
"""Numbers of blocks that `multiply` can hold in registers, for each pixel of a tile."""

FIRST_BITS = np.zeros((256, 8), np.uint8)
"""Row m: the positions of the bits that are set in m, in order (then zeros)."""
for _m in range(256):
    _set = [b for b in range(8) if _m >> b & 1]
    FIRST_BITS[_m, : len(_set)] = _set

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
Value = Any
"""An llvmlite value."""


def _llvm(write: Callable[..., Any]) -> Any:
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


@_llvm
def append_events(
    b: ir.IRBuilder,
    table: Value,
    values: Value,
    level: Value,
    code: Value,
    events: Value,
    at: Value,
) -> Value:
    """Append `code + i` to `events` for every i in 0..15 with values[i] > level; returns the new end of the list.

    table: `FIRST_BITS`; values: 16 uint8; events: int32, with room for 8 entries behind the end; at: the end so far.
    """
    bytes16, words8 = ir.VectorType(I8, LANES), ir.VectorType(I32, 8)
    above = b.icmp_unsigned(">", _load(b, values, bytes16), _splat(b, b.trunc(level, I8), LANES))
    mask = b.zext(b.bitcast(above, I16), I64)
    for half in range(2):
        byte = b.and_(b.lshr(mask, _i64(8 * half)), _i64(255))
        found = b.zext(_load(b, b.add(table, b.mul(byte, _i64(8))), ir.VectorType(I8, 8)), words8)
        first = _splat(b, b.trunc(b.add(code, _i64(8 * half)), I32), 8)
        _store(b, b.add(found, first), b.add(events, b.mul(at, _i64(4))))
        at = b.add(at, b.ctpop(byte))
    return at


@_llvm
def gather(
    b: ir.IRBuilder,
    rows: Value,
    count: Value,
    events: Value,
    first: Value,
    last: Value,
    weights: Value,
    stride: Value,
    silent: Value,
    scratch: Value,
    acc: Value,
    blocks: Value,
) -> None:
    """Add to acc the weights of every event between columns `first` and `last` of `count` image rows.

    rows: for each image row two int64, the address of its `begins` (int32 [W+1]: where the events of each column begin
    in `events`) and what to add to the offset of its weights. An event of code e adds the `blocks * 16` int8 at
    `weights` + that + `e * stride`. `silent`: the offset of a row of zeros. scratch: `SCRATCH` int32. acc: int32.

    Offsets of all image rows are first collected in one list, so that there is one loop whose length nobody
    can predict.
    """
    used = _variable(b, _i64(0))
    with cgutils.for_range(b, count) as row:
        pair = b.add(rows, b.mul(row.index, _i64(16)))
        begins, base = _load(b, pair, I64), _load(b, b.add(pair, _i64(8)), I64)
        begin, end = (_load(b, b.add(begins, b.mul(x, _i64(4))), I32) for x in (first, last))
        event = _variable(b, b.add(events, b.mul(b.sext(begin, I64), _i64(4))))
        left = _variable(b, b.sext(_larger(b, b.sub(end, begin), ir.Constant(I32, 0)), I64))
        with _while(
            b, lambda: b.icmp_signed(">", b.load(left), b.sub(_i64(EVENTS_PER_SUM), b.load(used)))
        ):
            room = b.sub(_i64(EVENTS_PER_SUM), b.load(used))
            _collect(b, b.load(event), room, base, stride, scratch, b.load(used))
            _add_rows(b, weights, silent, scratch, _i64(EVENTS_PER_SUM), acc, blocks)
            b.store(b.add(b.load(event), b.mul(room, _i64(4))), event)
            b.store(b.sub(b.load(left), room), left)
            b.store(_i64(0), used)
        _collect(b, b.load(event), b.load(left), base, stride, scratch, b.load(used))
        b.store(b.add(b.load(used), b.load(left)), used)
    with b.if_then(b.icmp_signed(">", b.load(used), _i64(0))):
        _add_rows(b, weights, silent, scratch, b.load(used), acc, blocks)


def _collect(
    b: ir.IRBuilder, event: Value, n: Value, base: Value, stride: Value, scratch: Value, at: Value
) -> None:
    """scratch[at:at+n] = base + stride * codes, 16 at a time; up to 16 further entries of both are touched."""
    codes = ir.VectorType(I32, LANES)
    by, more = _splat(b, b.trunc(stride, I32), LANES), _splat(b, b.trunc(base, I32), LANES)
    target = b.add(scratch, b.mul(at, _i64(4)))
    done = _variable(b, _i64(0))

    def step() -> None:
        offset = b.mul(b.load(done), _i64(4))
        found = _load(b, b.add(event, offset), codes)
        _store(b, b.add(b.mul(found, by), more), b.add(target, offset))
        b.store(b.add(b.load(done), _i64(LANES)), done)

    step()
    with _while(b, lambda: b.icmp_signed("<", b.load(done), n)):
        step()


def _add_rows(
    b: ir.IRBuilder,
    weights: Value,
    silent: Value,
    scratch: Value,
    used: Value,
    acc: Value,
    blocks: Value,
) -> None:
    """Add to acc the weights at the first `used` offsets of scratch (at most 255: int16 sums)."""
    end = b.and_(b.add(used, _i64(BATCH - 1)), _i64(-BATCH))
    padding = _splat(b, b.trunc(silent, I32), BATCH)
    _store(b, padding, b.add(scratch, b.mul(used, _i64(4))))
    _store(b, ir.Constant(I32, -1), b.add(scratch, b.mul(end, _i64(4))))
    done = b.append_basic_block("added")
    switch = b.switch(blocks, done)
    for n in BLOCKS:
        case = b.append_basic_block(f"add{n}")
        switch.add_case(_i64(n), case)
        b.position_at_end(case)
        _add_listed(b, n, weights, scratch, acc)
        b.branch(done)
    b.position_at_end(done)


def _add_listed(b: ir.IRBuilder, blocks: int, weights: Value, scratch: Value, acc: Value) -> None:
    """Add to acc the weights at the offsets in scratch, up to an entry of -1."""
    lanes = min(2, blocks) * LANES
    narrow, sums16, wide = (ir.VectorType(kind, lanes) for kind in (I8, I16, I32))
    sums = [_variable(b, ir.Constant(sums16, None)) for _ in range(blocks * LANES // lanes)]
    entry = _variable(b, scratch)
    with _while(b, lambda: b.icmp_signed(">=", _load(b, b.load(entry), I32), ir.Constant(I32, 0))):
        for i in range(BATCH):
            offset = b.sext(_load(b, b.add(b.load(entry), _i64(4 * i)), I32), I64)
            address = b.add(weights, offset)
            for j, s in enumerate(sums):
                weight = _load(b, b.add(address, _i64(j * lanes)), narrow)
                b.store(b.add(b.load(s), b.sext(weight, sums16)), s)
        b.store(b.add(b.load(entry), _i64(4 * BATCH)), entry)
    for j, s in enumerate(sums):
        address = b.add(acc, _i64(4 * j * lanes))
        _store(b, b.add(_load(b, address, wide), b.sext(b.load(s), wide)), address)


@_llvm
def fire(
    b: ir.IRBuilder,
    settings: Value,
    kind: Value,
    acc: Value,
    extra: Value,
    v: Value,
    bias: Value,
    theta: Value,
    amount: Value,
    keep: Value,
    out: Value,
    blocks: Value,
) -> None:
    """One step of `blocks * 16` neurons. acc, extra, v, bias, theta, amount, keep: int32; out: uint8.

    v = clip(decay(v) + (((acc << e) + extra) << f) + bias); out = v > theta; where it fires v = (v or 0) - amount;
    v = max(v, floor); acc = 0. `settings`: five int32 e, f, limit, floor, mask (-1: firing keeps v, 0: it clears v).
    `keep` is 4096 - δ. `kind`: DECAYS; KEEPS where δ is 0 (keep is not read); PLAIN where besides there are no shifts,
    no extra current and no floor, and firing clears v. The caller has proved that nothing leaves 32 bits.
    """
    constants = [_splat(b, _load(b, b.add(settings, _i64(4 * i)), I32), LANES) for i in range(5)]
    pointers = [acc, extra, v, bias, theta, amount, keep, out]
    done = b.append_basic_block("fired")
    switch = b.switch(kind, done)
    for k in (PLAIN, KEEPS, DECAYS):
        case = b.append_basic_block(f"fire{k}")
        switch.add_case(_i64(k), case)
        b.position_at_end(case)
        with cgutils.for_range(b, blocks) as block:
            _fire(b, block.index, constants, pointers, k)
        b.branch(done)
    b.position_at_end(done)


def _fire(
    b: ir.IRBuilder, block: Value, constants: list[Value], pointers: list[Value], kind: int
) -> None:
    vector = ir.VectorType(I32, LANES)
    zero = ir.Constant(vector, None)
    e, f, limit, floor, mask = constants
    at = [b.add(p, b.mul(block, _i64(4 * LANES))) for p in pointers[:-1]]
    acc, extra, v, bias, theta, amount, keep = at
    before, current = _load(b, v, vector), _load(b, acc, vector)
    if kind == DECAYS:
        before = _decay(b, before, _load(b, keep, vector))
    if kind != PLAIN:
        current = b.shl(b.add(b.shl(current, e), _load(b, extra, vector)), f)
    after = b.add(before, b.add(current, _load(b, bias, vector)))
    after = _smaller(b, _larger(b, after, b.neg(limit)), limit)
    fires = b.icmp_signed(">", after, _load(b, theta, vector))
    if kind == PLAIN:
        _store(b, b.select(fires, zero, after), v)
    else:
        reset = b.sub(b.and_(after, mask), _load(b, amount, vector))
        _store(b, _larger(b, b.select(fires, reset, after), floor), v)
    _store(b, zero, acc)
    out = b.add(pointers[-1], b.mul(block, _i64(LANES)))
    _store(b, b.zext(fires, ir.VectorType(I8, LANES)), out)


def _decay(b: ir.IRBuilder, v: Value, keep: Value) -> Value:
    """`fixed.decay` within 32 bits: with |v| = 4096 h + l, (|v| · keep) >> 12 = h · keep + ((l · keep) >> 12)."""
    bits, low = (ir.Constant(v.type, [x] * LANES) for x in (12, 4095))
    negative = b.icmp_signed("<", v, ir.Constant(v.type, None))
    size = b.select(negative, b.neg(v), v)
    high = b.mul(b.lshr(size, bits), keep)
    kept = b.add(high, b.lshr(b.mul(b.and_(size, low), keep), bits))
    return b.select(negative, b.neg(kept), kept)


@_llvm
def multiply(
    b: ir.IRBuilder,
    image: Value,
    line: Value,
    pixel: Value,
    lines: Value,
    pairs: Value,
    weights: Value,
    stride: Value,
    acc: Value,
    blocks: Value,
) -> None:
    """Set acc[p] for `TILE` neighbouring output pixels p to sums of int16 products; acc: int32 [TILE, blocks * 16].

    image: int16, `pairs` pairs of neighbouring values in each of `lines` lines of `line` bytes; the next output pixel
    begins `pixel` bytes later. weights: int16 [lines, pairs, stride / 4 outputs, 2]. The caller has proved that no sum
    leaves 32 bits, and that no value is -2^15 (two such products would).
    """
    done = b.append_basic_block("multiplied")
    switch = b.switch(blocks, done)
    for n in TILE_BLOCKS:
        case = b.append_basic_block(f"multiply{n}")
        switch.add_case(_i64(n), case)
        b.position_at_end(case)
        _multiply(b, n, image, line, pixel, lines, pairs, weights, stride, acc)
        b.branch(done)
    b.position_at_end(done)


def _multiply(
    b: ir.IRBuilder,
    blocks: int,
    image: Value,
    line: Value,
    pixel: Value,
    lines: Value,
    pairs: Value,
    weights: Value,
    stride: Value,
    acc: Value,
) -> None:
    vector = ir.VectorType(I32, LANES)
    sums = [[_variable(b, ir.Constant(vector, None)) for _ in range(blocks)] for _ in range(TILE)]
    with cgutils.for_range(b, lines) as y, cgutils.for_range(b, pairs) as pair:
        row = b.add(weights, b.mul(b.add(b.mul(y.index, pairs), pair.index), stride))
        factors = [
            _load(b, b.add(row, _i64(64 * j)), ir.VectorType(I16, 2 * LANES)) for j in range(blocks)
        ]
        source = b.add(image, b.add(b.mul(y.index, line), b.mul(pair.index, _i64(4))))
        for p in range(TILE):
            both = _load(b, b.add(source, b.mul(pixel, _i64(p))), I32)
            values = b.bitcast(_splat(b, both, LANES), ir.VectorType(I16, 2 * LANES))
            for s, factor in zip(sums[p], factors, strict=True):
                b.store(b.add(b.load(s), _pair_products(b, values, factor)), s)
    for p in range(TILE):
        for j, s in enumerate(sums[p]):
            _store(b, b.load(s), b.add(acc, _i64(64 * (p * blocks + j))))


def _pair_products(b: ir.IRBuilder, x: Value, y: Value) -> Value:
    """int32 x[2i] * y[2i] + x[2i+1] * y[2i+1] of int16 vectors: one instruction (pmaddwd) on x86."""
    wide = ir.VectorType(I32, 2 * LANES)
    products = b.mul(b.sext(x, wide), b.sext(y, wide))
    even, odd = (
        ir.Constant(ir.VectorType(I32, LANES), list(range(i, 2 * LANES, 2))) for i in (0, 1)
    )
    undefined = ir.Constant(wide, ir.Undefined)
    return b.add(
        b.shuffle_vector(products, undefined, even), b.shuffle_vector(products, undefined, odd)
    )


@_llvm
def clear(b: ir.IRBuilder, address: Value, blocks: Value) -> None:
    """Set `blocks * 16` int32 to 0."""
    zero = ir.Constant(ir.VectorType(I32, LANES), None)
    with cgutils.for_range(b, blocks) as block:
        _store(b, zero, b.add(address, b.mul(block.index, _i64(4 * LANES))))


@_llvm
def add_shifted(b: ir.IRBuilder, acc: Value, bits: Value, into: Value, blocks: Value) -> None:
    """Add acc << bits to `into`, and clear acc. Both int32 [blocks * 16]."""
    vector = ir.VectorType(I32, LANES)
    by = _splat(b, b.trunc(bits, I32), LANES)
    with cgutils.for_range(b, blocks) as block:
        offset = b.mul(block.index, _i64(4 * LANES))
        source, target = b.add(acc, offset), b.add(into, offset)
        part = b.shl(_load(b, source, vector), by)
        _store(b, b.add(_load(b, target, vector), part), target)
        _store(b, ir.Constant(vector, None), source)


def _i64(x: int) -> Value:
    return ir.Constant(I64, x)


def _pointer(b: ir.IRBuilder, address: Value, kind: Any) -> Value:
    return b.inttoptr(address, kind.as_pointer())


def _load(b: ir.IRBuilder, address: Value, kind: Any) -> Value:
    return b.load(_pointer(b, address, kind), align=1)


def _store(b: ir.IRBuilder, value: Value, address: Value) -> None:
    b.store(value, _pointer(b, address, value.type), align=1)


def _variable(b: ir.IRBuilder, value: Value) -> Value:
    """A local variable with this value; LLVM keeps it in a register."""
    place = cgutils.alloca_once(b, value.type)
    b.store(value, place)
    return place


def _splat(b: ir.IRBuilder, x: Value, lanes: int) -> Value:
    kind = ir.VectorType(x.type, lanes)
    one = b.insert_element(ir.Constant(kind, ir.Undefined), x, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), None)
    return b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)


def _smaller(b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.select(b.icmp_signed("<", x, y), x, y)


def _larger(b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.select(b.icmp_signed(">", x, y), x, y)


@contextmanager
def _while(b: ir.IRBuilder, condition: Callable[[], Value]) -> Generator[None]:
    head, body, done = (b.append_basic_block(name) for name in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    b.cbranch(condition(), body, done)
    b.position_at_end(body)
    yield
    b.branch(head)
    b.position_at_end(done)
