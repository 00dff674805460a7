"""Random contents of cores, and equality of what dataclasses and arrays say."""

from dataclasses import fields, is_dataclass

import numpy as np

from snn2chip.arrays import ints
from snn2chip.chip.program import (
    AxonIn,
    AxonTable,
    Connection,
    CoreContents,
    Tile,
    TileContents,
)
from snn2chip.circuit.types import Conv, Dense, Identity
from snn2chip.neuron import Emits, Reset

NOWHERE = Tile(population="", channels=(0, 1), rows=(0, 1), columns=(0, 1))


def same(left, right):
    """Equality by value, arrays included."""
    if isinstance(left, np.ndarray):
        return left.shape == right.shape and np.array_equal(left, right)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if is_dataclass(left):
        return type(left) is type(right) and all(
            same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left)
        )
    return left == right


def random_core(seed, most=4):
    """One to three tiles with connections of all kernels, amounts by all rules, axons by position or by neuron."""
    rng = np.random.default_rng(seed)
    tiles, axon = [], 0
    for _ in range(int(rng.integers(1, most))):
        tile = random_tile(rng, axon)
        tiles.append(tile)
        axon += sum(len(c.axons) for c in tile.connections)
    per_neuron = bool(rng.random() < 0.5)
    entries = sum(int(np.prod(t.shape if per_neuron else t.shape[1:])) for t in tiles)
    counts = rng.integers(0, 3, entries)
    pairs = int(counts.sum())
    return CoreContents(
        tiles=tuple(tiles),
        axons=AxonTable(
            per_neuron=per_neuron,
            first=ints(np.concatenate([[0], np.cumsum(counts)])),
            core=ints(rng.integers(0, 1 << 20, pairs)),
            axon=ints(rng.integers(0, 1 << 12, pairs)),
        ),
    )


def triple(values):
    a, b, c = (int(n) for n in values)
    return a, b, c


def random_tile(rng, first_axon):
    shape = triple(rng.integers(1, 5, 3))
    start = rng.integers(0, 100, 3)
    levels = rng.integers(-(1 << 23), (1 << 23) - 1, (int(rng.integers(1, 4)), *shape))
    shift = int(rng.integers(0, 20))
    amounts = [
        levels + 1,
        levels,
        0 * levels,
        0 * levels + (1 << shift),
        rng.integers(-99, 99, levels.shape),
    ]
    steps = int(rng.integers(1, 1 << 16))
    gain, bias = None, rng.integers(-(1 << 23), 1 << 23, shape)
    if rng.random() < 0.5:
        steps = int(rng.integers(2, 6))
        gain = changing(rng, steps, shape) if rng.random() < 0.7 else None
        bias = changing(rng, steps, shape) if rng.random() < 0.7 else bias
    connections = []
    for _ in range(int(rng.integers(0, 4))):
        connections.append(random_connection(rng, shape, first_axon))
        first_axon += len(connections[-1].axons)
    return TileContents(
        population=int(rng.integers(1, 1 << 20)),
        population_shape=triple(start + shape + rng.integers(0, 9, 3)),
        channels=(int(start[0]), int(start[0]) + shape[0]),
        rows=(int(start[1]), int(start[1]) + shape[1]),
        columns=(int(start[2]), int(start[2]) + shape[2]),
        depth=int(rng.integers(0, 1 << 16)),
        steps=steps,
        fraction_bits=int(rng.integers(0, 32)),
        v_limit=int(rng.integers(0, 1 << 32)),
        levels=ints(levels),
        amounts=ints(amounts[int(rng.integers(0, 5))]),
        delta=ints(rng.integers(0, 4096, shape)),
        bias=ints(bias),
        gain=None if gain is None else ints(gain),
        gain_shift=int(rng.integers(0, 32)),
        reset=list(Reset)[int(rng.integers(0, 3))],
        late_reset=bool(rng.random() < 0.5),
        emits=list(Emits)[int(rng.integers(0, 4))],
        v_min=None if rng.random() < 0.5 else int(rng.integers(-(1 << 31), 1)),
        multispike_shift=shift,
        multispike_ge=bool(rng.random() < 0.5),
        graded_shift=int(rng.integers(0, 32)),
        connections=tuple(connections),
    )


def changing(rng, steps, shape):
    """24-bit values that may be shared by a channel, and change from step to step or not at all."""
    own = shape if rng.random() < 0.5 else (shape[0], 1, 1)
    rows = (steps,) if rng.random() < 0.7 else ()
    return np.broadcast_to(rng.integers(-(1 << 23), 1 << 23, (*rows, *own)), (*rows, *shape))


def random_connection(rng, shape, first_axon):
    source = triple(rng.integers(1, 4, 3))
    pairs = [(int(y), int(x)) for y, x in rng.integers(1, 4, (3, 2))]
    kernels = [
        (
            Conv(stride=pairs[0], padding=pairs[1], dilation=pairs[2], groups=2),
            (2, 3, 2, shape[0]),
        ),
        (Dense(), (int(np.prod(source)), int(np.prod(shape)))),
        (Dense(pooled=True), (source[0], shape[0])),
        (Identity(), (shape[0],)),
    ]
    kernel, weights = kernels[int(rng.integers(0, 4))]
    half = 1 << int(rng.integers(0, 8))
    return Connection(
        projection=int(rng.integers(0, 256)),
        kernel=kernel,
        source_shape=source,
        channel_base=int(rng.integers(0, 99)),
        exponent=int(rng.integers(0, 32)),
        weight=ints(rng.integers(-half, half, weights)),
        first_axon=first_axon,
        axons=tuple(
            AxonIn(
                sources=tuple(int(n) for n in rng.integers(0, 1 << 20, rng.integers(1, 4))),
                delay=int(rng.integers(0, 256)),
            )
            for _ in range(int(rng.integers(1, 4)))
        ),
    )
