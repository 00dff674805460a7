"""The inner loops as LLVM vectors: numba's own loops widen every integer to 64 bits and check every index.

LLVM lowers the vectors to what the machine has (AVX-512, AVX2, SSE2, NEON); the integers are the same everywhere.
Arguments are int64, mostly addresses. Channel counts come in blocks of 16, the lanes of one 512-bit vector of int32.
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from snn2chip.engines.kernels.llvm import (
    I8,
    I16,
    I32,
    I64,
    Builder,
    Value,
    i64,
    inner_loop,
    larger,
    load,
    loop_while,
    smaller,
    splat,
    store,
    variable,
)

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


@inner_loop
def append_events(
    b: Builder,
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
    above = b.icmp_unsigned(">", load(b, values, bytes16), splat(b, b.trunc(level, I8), LANES))
    mask = b.zext(b.bitcast(above, I16), I64)
    for half in range(2):
        byte = b.and_(b.lshr(mask, i64(8 * half)), i64(255))
        found = b.zext(load(b, b.add(table, b.mul(byte, i64(8))), ir.VectorType(I8, 8)), words8)
        first = splat(b, b.trunc(b.add(code, i64(8 * half)), I32), 8)
        store(b, b.add(found, first), b.add(events, b.mul(at, i64(4))))
        at = b.add(at, b.ctpop(byte))
    return at


@inner_loop
def gather(
    b: Builder,
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
    used = variable(b, i64(0))
    with cgutils.for_range(b, count) as row:
        pair = b.add(rows, b.mul(row.index, i64(16)))
        begins, base = load(b, pair, I64), load(b, b.add(pair, i64(8)), I64)
        begin, end = (load(b, b.add(begins, b.mul(x, i64(4))), I32) for x in (first, last))
        event = variable(b, b.add(events, b.mul(b.sext(begin, I64), i64(4))))
        left = variable(b, b.sext(larger(b, b.sub(end, begin), ir.Constant(I32, 0)), I64))
        with loop_while(
            b, lambda: b.icmp_signed(">", b.load(left), b.sub(i64(EVENTS_PER_SUM), b.load(used)))
        ):
            room = b.sub(i64(EVENTS_PER_SUM), b.load(used))
            _collect(b, b.load(event), room, base, stride, scratch, b.load(used))
            _add_rows(b, weights, silent, scratch, i64(EVENTS_PER_SUM), acc, blocks)
            b.store(b.add(b.load(event), b.mul(room, i64(4))), event)
            b.store(b.sub(b.load(left), room), left)
            b.store(i64(0), used)
        _collect(b, b.load(event), b.load(left), base, stride, scratch, b.load(used))
        b.store(b.add(b.load(used), b.load(left)), used)
    with b.if_then(b.icmp_signed(">", b.load(used), i64(0))):
        _add_rows(b, weights, silent, scratch, b.load(used), acc, blocks)


def _collect(
    b: Builder, event: Value, n: Value, base: Value, stride: Value, scratch: Value, at: Value
) -> None:
    """scratch[at:at+n] = base + stride * codes, 16 at a time; up to 16 further entries of both are touched."""
    codes = ir.VectorType(I32, LANES)
    by, more = splat(b, b.trunc(stride, I32), LANES), splat(b, b.trunc(base, I32), LANES)
    target = b.add(scratch, b.mul(at, i64(4)))
    done = variable(b, i64(0))

    def step() -> None:
        offset = b.mul(b.load(done), i64(4))
        found = load(b, b.add(event, offset), codes)
        store(b, b.add(b.mul(found, by), more), b.add(target, offset))
        b.store(b.add(b.load(done), i64(LANES)), done)

    step()
    with loop_while(b, lambda: b.icmp_signed("<", b.load(done), n)):
        step()


def _add_rows(
    b: Builder,
    weights: Value,
    silent: Value,
    scratch: Value,
    used: Value,
    acc: Value,
    blocks: Value,
) -> None:
    """Add to acc the weights at the first `used` offsets of scratch (at most 255: int16 sums)."""
    end = b.and_(b.add(used, i64(BATCH - 1)), i64(-BATCH))
    padding = splat(b, b.trunc(silent, I32), BATCH)
    store(b, padding, b.add(scratch, b.mul(used, i64(4))))
    store(b, ir.Constant(I32, -1), b.add(scratch, b.mul(end, i64(4))))
    done = b.append_basic_block("added")
    switch = b.switch(blocks, done)
    for n in BLOCKS:
        case = b.append_basic_block(f"add{n}")
        switch.add_case(i64(n), case)
        b.position_at_end(case)
        _add_listed(b, n, weights, scratch, acc)
        b.branch(done)
    b.position_at_end(done)


def _add_listed(b: Builder, blocks: int, weights: Value, scratch: Value, acc: Value) -> None:
    """Add to acc the weights at the offsets in scratch, up to an entry of -1."""
    lanes = min(2, blocks) * LANES
    narrow, sums16, wide = (ir.VectorType(kind, lanes) for kind in (I8, I16, I32))
    sums = [variable(b, ir.Constant(sums16, None)) for _ in range(blocks * LANES // lanes)]
    entry = variable(b, scratch)
    with loop_while(
        b, lambda: b.icmp_signed(">=", load(b, b.load(entry), I32), ir.Constant(I32, 0))
    ):
        for i in range(BATCH):
            offset = b.sext(load(b, b.add(b.load(entry), i64(4 * i)), I32), I64)
            address = b.add(weights, offset)
            for j, s in enumerate(sums):
                weight = load(b, b.add(address, i64(j * lanes)), narrow)
                b.store(b.add(b.load(s), b.sext(weight, sums16)), s)
        b.store(b.add(b.load(entry), i64(4 * BATCH)), entry)
    for j, s in enumerate(sums):
        address = b.add(acc, i64(4 * j * lanes))
        store(b, b.add(load(b, address, wide), b.sext(b.load(s), wide)), address)


@inner_loop
def fire(
    b: Builder,
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
    constants = [splat(b, load(b, b.add(settings, i64(4 * i)), I32), LANES) for i in range(5)]
    pointers = [acc, extra, v, bias, theta, amount, keep, out]
    done = b.append_basic_block("fired")
    switch = b.switch(kind, done)
    for k in (PLAIN, KEEPS, DECAYS):
        case = b.append_basic_block(f"fire{k}")
        switch.add_case(i64(k), case)
        b.position_at_end(case)
        with cgutils.for_range(b, blocks) as block:
            _fire(b, block.index, constants, pointers, k)
        b.branch(done)
    b.position_at_end(done)


def _fire(
    b: Builder, block: Value, constants: list[Value], pointers: list[Value], kind: int
) -> None:
    vector = ir.VectorType(I32, LANES)
    zero = ir.Constant(vector, None)
    e, f, limit, floor, mask = constants
    at = [b.add(p, b.mul(block, i64(4 * LANES))) for p in pointers[:-1]]
    acc, extra, v, bias, theta, amount, keep = at
    before, current = load(b, v, vector), load(b, acc, vector)
    if kind == DECAYS:
        before = _decay(b, before, load(b, keep, vector))
    if kind != PLAIN:
        current = b.shl(b.add(b.shl(current, e), load(b, extra, vector)), f)
    after = b.add(before, b.add(current, load(b, bias, vector)))
    after = smaller(b, larger(b, after, b.neg(limit)), limit)
    fires = b.icmp_signed(">", after, load(b, theta, vector))
    if kind == PLAIN:
        store(b, b.select(fires, zero, after), v)
    else:
        reset = b.sub(b.and_(after, mask), load(b, amount, vector))
        store(b, larger(b, b.select(fires, reset, after), floor), v)
    store(b, zero, acc)
    out = b.add(pointers[-1], b.mul(block, i64(LANES)))
    store(b, b.zext(fires, ir.VectorType(I8, LANES)), out)


def _decay(b: Builder, v: Value, keep: Value) -> Value:
    """`fixed.decay` within 32 bits: with |v| = 4096 h + l, (|v| · keep) >> 12 = h · keep + ((l · keep) >> 12)."""
    bits, low = (ir.Constant(v.type, [x] * LANES) for x in (12, 4095))
    negative = b.icmp_signed("<", v, ir.Constant(v.type, None))
    size = b.select(negative, b.neg(v), v)
    high = b.mul(b.lshr(size, bits), keep)
    kept = b.add(high, b.lshr(b.mul(b.and_(size, low), keep), bits))
    return b.select(negative, b.neg(kept), kept)


@inner_loop
def multiply(
    b: Builder,
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
        switch.add_case(i64(n), case)
        b.position_at_end(case)
        _multiply(b, n, image, line, pixel, lines, pairs, weights, stride, acc)
        b.branch(done)
    b.position_at_end(done)


def _multiply(
    b: Builder,
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
    sums = [[variable(b, ir.Constant(vector, None)) for _ in range(blocks)] for _ in range(TILE)]
    with cgutils.for_range(b, lines) as y, cgutils.for_range(b, pairs) as pair:
        row = b.add(weights, b.mul(b.add(b.mul(y.index, pairs), pair.index), stride))
        factors = [
            load(b, b.add(row, i64(64 * j)), ir.VectorType(I16, 2 * LANES)) for j in range(blocks)
        ]
        source = b.add(image, b.add(b.mul(y.index, line), b.mul(pair.index, i64(4))))
        for p in range(TILE):
            both = load(b, b.add(source, b.mul(pixel, i64(p))), I32)
            values = b.bitcast(splat(b, both, LANES), ir.VectorType(I16, 2 * LANES))
            for s, factor in zip(sums[p], factors, strict=True):
                b.store(b.add(b.load(s), _pair_products(b, values, factor)), s)
    for p in range(TILE):
        for j, s in enumerate(sums[p]):
            store(b, b.load(s), b.add(acc, i64(64 * (p * blocks + j))))


def _pair_products(b: Builder, x: Value, y: Value) -> Value:
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


@inner_loop
def clear(b: Builder, address: Value, blocks: Value) -> None:
    """Set `blocks * 16` int32 to 0."""
    zero = ir.Constant(ir.VectorType(I32, LANES), None)
    with cgutils.for_range(b, blocks) as block:
        store(b, zero, b.add(address, b.mul(block.index, i64(4 * LANES))))


@inner_loop
def add_shifted(b: Builder, acc: Value, bits: Value, into: Value, blocks: Value) -> None:
    """Add acc << bits to `into`, and clear acc. Both int32 [blocks * 16]."""
    vector = ir.VectorType(I32, LANES)
    by = splat(b, b.trunc(bits, I32), LANES)
    with cgutils.for_range(b, blocks) as block:
        offset = b.mul(block.index, i64(4 * LANES))
        source, target = b.add(acc, offset), b.add(into, offset)
        part = b.shl(load(b, source, vector), by)
        store(b, b.add(load(b, target, vector), part), target)
        store(b, ir.Constant(vector, None), source)
