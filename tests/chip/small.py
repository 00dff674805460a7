"""Small random quantized circuits, laid out on cores by hand: nothing here shares code with the mapper."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from snn2chip.arrays import floats, ints
from snn2chip.chip.formats import loihi2
from snn2chip.chip.placement import NOWHERE as NO_PLACES
from snn2chip.chip.program import (
    AxonIn,
    AxonTable,
    Coding,
    Connection,
    CoreContents,
    Program,
    Schedule,
    Tile,
    TileContents,
)
from snn2chip.chip.unpack import Unpacked
from snn2chip.circuit.types import INPUT, Conv, Dense, Identity, InputKind, Origin, Provenance, Role
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)

NOWHERE = Provenance(path="", sha256="", system="test", arch="small")


def neuron(
    rng, shape, emits=Emits.SPIKE, reset=Reset.ZERO, levels=1, late=False, delta=0, v_min=None
):
    """Random thresholds per channel; SUBTRACT takes off less than the threshold, so that amounts matter."""
    theta = [ints(rng.integers(20, 60, (shape[0], 1, 1)) * (k + 1)) for k in range(levels)]
    return IntegerNeuron(
        levels=tuple(theta),
        amounts=tuple(ints(t - 3 if emits is not Emits.MULTISPIKE else 0 * t + 32) for t in theta),
        delta=ints(np.full((1, 1, 1), delta)),
        reset=reset,
        late_reset=late,
        emits=emits,
        v_min=v_min,
        multispike_shift=5,
        graded_shift=3,
    )


def population(rng, name, shape, fraction_bits=0, bias_map=False, **kind):
    bias_shape = shape if bias_map else (shape[0], 1, 1)
    return QuantizedPopulation(
        name=name,
        shape=shape,
        neuron=neuron(rng, shape, **kind),
        bias=ints(rng.integers(-9, 10, bias_shape)),
        fraction_bits=fraction_bits,
        scale=floats(np.ones(shape[0])),
        unit=1.0,
        origin=Origin(layer=name, role=Role.NEURON),
    )


def projection(rng, sources, target, kernel, weight_shape, exponent=0, high=12):
    weight = rng.integers(-high, high + 1, weight_shape)
    weight[rng.random(weight_shape) < 0.2] = 0
    return QuantizedProjection(
        name=f"{'+'.join(sources)}->{target}",
        sources=tuple(sources),
        target=target,
        kernel=kernel,
        weight=ints(weight),
        exponent=exponent,
        bits=5,
    )


def circuit(
    populations, projections, shape=(2, 7, 6), kind=InputKind.STATIC, steps=3, readout=None
):
    return QuantizedCircuit(
        input=QuantizedInput(shape=shape, kind=kind, scale=1.0, bits=4, signed=False),
        steps=steps,
        populations=tuple(populations),
        projections=tuple(projections),
        joins=(),
        readout=QuantizedReadOut(population=readout or populations[-1].name, mean=False),
        v_limit=(1 << 23) - 1,
        target="test",
        provenance=NOWHERE,
    )


def residual(seed, kind=InputKind.STATIC):
    """Every kernel, joins of unequal depth, strides, groups, dilation, all neuron kinds, a read-out of potentials."""
    rng = np.random.default_rng(seed)
    same, wide = Conv(padding=(1, 1)), Conv(padding=(2, 2), dilation=(2, 2))
    populations = [
        population(rng, "stem", (4, 7, 6), bias_map=True),
        population(rng, "a", (4, 7, 6), reset=Reset.SUBTRACT, delta=1024, fraction_bits=6),
        population(rng, "b", (4, 7, 6), reset=Reset.SUBTRACT, late=True, v_min=-5),
        population(rng, "down", (6, 4, 3), levels=3, reset=Reset.NONE, delta=2048),
        population(rng, "deep", (6, 4, 3), emits=Emits.MULTISPIKE, reset=Reset.SUBTRACT),
        population(rng, "relay", (6, 4, 3), emits=Emits.GRADED, reset=Reset.ZERO),
        population(rng, "hidden", (5, 1, 1)),
        population(rng, "answer", (3, 1, 1), emits=Emits.NOTHING, reset=Reset.NONE),
    ]
    projections = [
        projection(rng, [INPUT], "stem", same, (4, 2, 3, 3)),
        projection(rng, ["stem"], "a", Conv(padding=(1, 1), groups=2), (4, 2, 3, 3), exponent=1),
        projection(rng, ["stem", "a"], "b", wide, (4, 4, 3, 3)),
        projection(rng, ["stem"], "b", Identity(), (4,), exponent=2),
        projection(
            rng, ["stem", "a", "b"], "down", Conv(stride=(2, 2), padding=(1, 0)), (6, 4, 3, 2)
        ),
        projection(rng, ["down"], "deep", Conv(padding=(1, 1), groups=6), (6, 1, 3, 3), high=90),
        projection(rng, ["down", "deep"], "relay", Identity(), (6,)),
        projection(rng, ["relay", "deep"], "hidden", Dense(), (5, 72)),
        projection(rng, ["deep"], "answer", Dense(pooled=True), (3, 6)),
        projection(rng, ["hidden"], "answer", Dense(), (3, 5)),
    ]
    return circuit(populations, projections, kind=kind)


def chain(seed, emits=Emits.SPIKE, shape=(2, 5, 5)):
    """Input -> conv -> conv -> read-out of spikes."""
    rng = np.random.default_rng(seed)
    populations = [
        population(rng, "one", (3, 5, 5), emits=emits),
        population(rng, "two", (4, 3, 3)),
    ]
    projections = [
        projection(rng, [INPUT], "one", Conv(padding=(1, 1)), (3, shape[0], 3, 3)),
        projection(rng, ["one"], "two", Conv(stride=(2, 2), padding=(1, 1)), (4, 3, 3, 3)),
    ]
    return circuit(populations, projections, shape=shape)


def stepwise(seed, kind=InputKind.STATIC):
    """As S-ResNet: gains and biases of each step, one graded relay for a whole join that every kernel reads."""
    rng = np.random.default_rng(seed)
    same = Conv(padding=(1, 1))
    soft: dict[str, Any] = {"reset": Reset.SUBTRACT, "delta": 512}
    populations = [
        changing(rng, population(rng, "one", (3, 5, 4), fraction_bits=2, **soft)),
        changing(
            rng, population(rng, "two", (3, 5, 4), bias_map=True, fraction_bits=2, **soft), own=True
        ),
        changing(rng, population(rng, "sum", (3, 5, 4), emits=Emits.GRADED), gained=False),
        changing(rng, population(rng, "three", (4, 3, 2), fraction_bits=2, **soft), every=False),
        population(rng, "copy", (3, 5, 4), emits=Emits.GRADED, fraction_bits=3),
        changing(rng, population(rng, "four", (3, 5, 4), fraction_bits=2, **soft)),
        population(rng, "five", (4, 1, 1)),
        population(rng, "answer", (3, 1, 1), emits=Emits.NOTHING, reset=Reset.NONE),
    ]
    projections = [
        projection(rng, [INPUT], "one", same, (3, 2, 3, 3)),
        projection(rng, ["one"], "two", same, (3, 3, 3, 3)),
        projection(rng, ["one"], "sum", Conv(), (3, 3, 1, 1), exponent=1),
        projection(rng, ["two"], "sum", Identity(), (3,), exponent=2),
        projection(rng, ["sum"], "three", Conv(stride=(2, 2), padding=(1, 1)), (4, 3, 3, 3)),
        projection(rng, ["sum"], "copy", Identity(), (3,), high=3),
        projection(rng, ["two"], "copy", Identity(), (3,), exponent=3),
        projection(rng, ["copy", "sum"], "four", same, (3, 3, 3, 3)),
        projection(rng, ["sum"], "five", Dense(), (4, 60)),
        projection(rng, ["three"], "five", Dense(pooled=True), (4, 4), exponent=2),
        projection(rng, ["copy"], "answer", Dense(pooled=True), (3, 3)),
        projection(rng, ["four"], "answer", Dense(pooled=True), (3, 3)),
        projection(rng, ["five"], "answer", Dense(), (3, 4)),
    ]
    return circuit(populations, projections, shape=(2, 5, 4), kind=kind, steps=4)


def changing(rng, p, gained=True, every=True, own=False, steps=4):
    """`p` with gains around 1 (some negative or 0), and with biases of each step; `own`: of each neuron."""
    shape = (steps, *(p.shape if own else (p.shape[0], 1, 1)))
    gain = ints(rng.integers(-3, 12, shape if every else shape[1:]))
    bias = ints(rng.integers(-40, 41, shape))
    n = replace(p.neuron, gain=gain, gain_shift=2) if gained else p.neuron
    return replace(p, neuron=n, bias=bias if every else p.bias)


def samples(qc, seed, count=3):
    rng = np.random.default_rng(seed)
    frames = () if qc.input.kind is InputKind.STATIC else (qc.steps,)
    values = rng.integers(0, 16, (*frames, count, *qc.input.shape))
    return InputData(kind=qc.input.kind, values=values * (rng.random(values.shape) < 0.5))


# --- edges, one by one -----------------------------------------------------------------------------------------------


def edges(qc, p):
    """(source neuron, target neuron, weight) of every synapse of projection `p`, in plain loops."""
    source, target = shape_of(qc, p.sources[0]), shape_of(qc, p.target)
    for o in itertools.product(*map(range, target)):
        if isinstance(p.kernel, Identity):
            yield o, o, int(p.weight[o[0]])
        elif isinstance(p.kernel, Dense):
            row = p.weight[np.ravel_multi_index(o, target)]
            for i in itertools.product(*map(range, source)):
                yield (
                    i,
                    o,
                    int(row[i[0]] if p.kernel.pooled else row[np.ravel_multi_index(i, source)]),
                )
        else:
            yield from _conv_edges(p, source, target, o)


def _conv_edges(p, source, target, o):
    k = p.kernel
    per_in, per_out = source[0] // k.groups, target[0] // k.groups
    for c, ky, kx in itertools.product(*map(range, p.weight.shape[1:])):
        y = o[1] * k.stride[0] + ky * k.dilation[0] - k.padding[0]
        x = o[2] * k.stride[1] + kx * k.dilation[1] - k.padding[1]
        if 0 <= y < source[1] and 0 <= x < source[2]:
            yield (o[0] // per_out * per_in + c, y, x), o, int(p.weight[o[0], c, ky, kx])


def shape_of(qc, name):
    return qc.input.shape if name == INPUT else qc.population(name).shape


# --- laying out by hand ----------------------------------------------------------------------------------------------


def lay_out(qc, seed, coding=Coding.GRADED, on_host=(), two_in_one=True):
    """(Program without words, Unpacked): random boxes, one or three to a core, of any populations."""
    rng = np.random.default_rng(seed)
    names = [INPUT, *(p.name for p in qc.populations)]
    biased = (
        tuple({p.target for p in qc.projections if INPUT in p.sources})
        if coding is Coding.BIAS
        else ()
    )
    depth = depths(qc)
    boxes = [
        (p, box) for p in qc.populations if p.name not in on_host for box in split(rng, p.shape)
    ]
    per_core = []
    while boxes:
        mates = rng.random() < 0.4 if two_in_one else 0
        others = rng.permutation(len(boxes) - 1)[:2] + 1 if mates else []
        per_core.append([boxes[0], *(boxes[i] for i in others)])
        boxes = [box for i, box in enumerate(boxes) if i and i not in others]
    targets = []
    contents = []
    for number, mine in enumerate(per_core):
        axon, tiles = 0, []
        for p, box in mine:
            connections = []
            for index, q in enumerate(qc.into(p.name)):
                sources = [s for s in q.sources if not (s == INPUT and coding is Coding.BIAS)]
                if not sources:
                    continue
                delays = [depth[p.name] - depth[s] - 1 for s in sources]
                driven = grouped(rng, sources, delays)
                connections.append(connect(qc, q, index, box, driven, names, axon))
                targets += [
                    (number, axon + i, s, q, box) for i, (own, _) in enumerate(driven) for s in own
                ]
                axon += len(driven)
            tiles.append(tile_of(qc, p, box, names.index(p.name), depth[p.name], connections))
        contents.append(tiles)
    pair = pairs_by_neuron(qc, targets)
    cores = []
    for tiles in contents:
        per_neuron = bool(rng.random() < 0.5)
        places = [(names[t.population], t.channels, t.rows, t.columns) for t in tiles]
        cores.append(CoreContents(tiles=tuple(tiles), axons=table(pair, places, per_neuron)))
    senders = [n for n in (INPUT, *on_host) if any(n == s for _, _, s, _, _ in targets)]
    hosts = {
        names.index(n): table(
            pair, [(n, *((0, size) for size in shape_of(qc, n)))], bool(rng.random() < 0.5)
        )
        for n in senders
    }
    program = Program(
        target="test",
        format="test",
        steps=qc.steps,
        coding=coding,
        populations=tuple(names),
        shapes=tuple(shape_of(qc, n) for n in names),
        on_host=tuple(on_host),
        host_biases=biased,
        cores=(),
        input_axons={},
        schedule=Schedule(depth=depth, delays={}),
        provenance=NOWHERE,
    )
    return program, Unpacked(cores=tuple(cores), hosts=hosts)


def depths(qc):
    depth = {INPUT: 0}
    for p in qc.populations:
        depth[p.name] = 1 + max(depth[s] for q in qc.into(p.name) for s in q.sources)
    return depth


def split(rng, shape):
    """A box cut into random boxes that cover it."""
    cuts = [sorted({0, size, *rng.integers(0, size + 1, rng.integers(0, 2))}) for size in shape]
    ranges = [list(itertools.pairwise(int(c) for c in cut)) for cut in cuts]
    return list(itertools.product(*ranges))


def grouped(rng, sources, delays):
    """[(sources, delay)] of each axon: some of those that wait equally long meet on one, but for the input."""
    found = []
    for s, d in zip(sources, delays, strict=True):
        mates = [own for own, delay in found if delay == d and not {s, INPUT} & set(own)]
        if mates and s != INPUT and rng.random() < 0.7:
            mates[0].append(s)
        else:
            found.append(([s], d))
    return found


def connect(qc, q, index, box, driven, names, first_axon):
    source, target = shape_of(qc, q.sources[0]), shape_of(qc, q.target)
    c0, c1 = box[0]
    base, weight = 0, None
    if isinstance(q.kernel, Conv):
        per_in, per_out = source[0] // q.kernel.groups, target[0] // q.kernel.groups
        base = c0 // per_out * per_in
        stop = ((c1 - 1) // per_out + 1) * per_in
        weight = np.zeros((stop - base, *q.weight.shape[2:], c1 - c0), np.int64)
        for o in range(c0, c1):
            low = o // per_out * per_in - base
            weight[low : low + per_in, :, :, o - c0] = q.weight[o]
    elif isinstance(q.kernel, Dense) and q.kernel.pooled:
        weight = q.weight[c0:c1].T
    elif isinstance(q.kernel, Dense):
        inside = q.weight.reshape(*target, -1)[tuple(slice(*r) for r in box)]
        weight = inside.reshape(-1, inside.shape[-1]).T
    else:
        weight = q.weight[c0:c1]
    return Connection(
        projection=index,
        kernel=q.kernel,
        source_shape=source,
        channel_base=base,
        exponent=q.exponent,
        weight=ints(weight),
        first_axon=first_axon,
        axons=tuple(
            AxonIn(sources=tuple(names.index(s) for s in own), delay=d) for own, d in driven
        ),
    )


def tile_of(qc, p, box, number, depth, connections):
    inside = tuple(slice(*r) for r in box)

    def cut(values):
        whole = np.broadcast_to(values, (*values.shape[:-3], *p.shape))
        return ints(whole[(..., *inside)])

    n = p.neuron
    return TileContents(
        population=number,
        population_shape=p.shape,
        channels=box[0],
        rows=box[1],
        columns=box[2],
        depth=depth,
        steps=qc.steps,
        fraction_bits=p.fraction_bits,
        v_limit=qc.v_limit,
        levels=ints(np.stack([cut(x) for x in n.levels])),
        amounts=ints(np.stack([cut(x) for x in n.amounts])),
        delta=cut(n.delta),
        bias=cut(p.bias),
        gain=None if n.gain is None else cut(n.gain),
        gain_shift=n.gain_shift,
        reset=n.reset,
        late_reset=n.late_reset,
        emits=n.emits,
        v_min=n.v_min,
        multispike_shift=n.multispike_shift,
        multispike_ge=n.multispike_ge,
        graded_shift=n.graded_shift,
        connections=tuple(connections),
    )


def pairs_by_neuron(qc, targets):
    """(population, neuron) -> sorted (core, axon) pairs that one of its synapses needs."""
    cached = {id(q): list(edges(qc, q)) for q in qc.projections}
    found = {}
    for core, axon, source, q, box in targets:
        for i, o, _ in cached[id(q)]:
            if all(low <= at < high for at, (low, high) in zip(o, box, strict=True)):
                found.setdefault((source, i), set()).add((core, axon))
    return found


def table(pair, places, per_neuron):
    entries = []
    for name, channels, rows, columns in places:
        if per_neuron:
            neurons = itertools.product(range(*channels), range(*rows), range(*columns))
            entries += [pair.get((name, i), set()) for i in neurons]
        else:
            for y, x in itertools.product(range(*rows), range(*columns)):
                entries.append(
                    set().union(*(pair.get((name, (c, y, x)), set()) for c in range(*channels)))
                )
    flat = [p for e in entries for p in sorted(e)]
    return AxonTable(
        per_neuron=per_neuron,
        first=ints(np.cumsum([0, *map(len, entries)])),
        core=ints(np.array([c for c, _ in flat], np.int64)),
        axon=ints(np.array([a for _, a in flat], np.int64)),
    )


def packed(program, unpacked, target):
    """`program` with the words of `unpacked`, on one chip."""
    cores = []
    for contents in unpacked.cores:
        tiles = [
            Tile(
                population=program.populations[t.population],
                channels=t.channels,
                rows=t.rows,
                columns=t.columns,
            )
            for t in contents.tiles
        ]
        cores.append(loihi2.pack_core(contents, target, chip=0, tiles=tiles))
    hosts = {program.populations[n]: loihi2.pack_axons(t) for n, t in unpacked.hosts.items()}
    return replace(
        program,
        format=loihi2.NAME,
        cores=tuple(cores),
        input_axons=hosts,
        placement=in_order([0] * len(cores)),
    )


def in_order(chips):
    """Cores on these chips, each behind the one before."""
    core = [chips[:i].count(chip) for i, chip in enumerate(chips)]
    return replace(NO_PLACES, method="by hand", chip_columns=9, chip=ints(chips), core=ints(core))
