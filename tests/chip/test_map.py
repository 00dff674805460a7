from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.chip.audit import audit
from snn2chip.chip.formats import loihi2
from snn2chip.chip.map import map_circuit, plan_cores
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.use import use_table
from snn2chip.chip.validate import validate
from snn2chip.circuit.types import INPUT, Identity
from snn2chip.errors import Severity, StatementError
from snn2chip.neuron import Reset
from tests.chip.circuits import Builder, random_circuit, sew_resnet, small_sew
from tests.chip.small import stepwise
from tests.chip.tiny import TINY, target

LOIHI2 = load_target("loihi2")


def mapped(qc, target=LOIHI2, coding=None, shared=True):
    result = map_circuit(qc, target, coding=coding, shared=shared)
    assert result.findings == ()
    return result.program


def within_limits(program, target):
    return all(
        have <= most for row in use_table(program, target) for have, most in row.most.values()
    )


@pytest.mark.parametrize("seed", range(12))
def test_random_circuits_on_small_cores(seed):
    qc = random_circuit(seed)
    result = map_circuit(qc, TINY)
    if result.findings:
        assert {f.code for f in result.findings} == {"map-fit"}
        assert result.program.cores == ()
        result = map_circuit(qc, LOIHI2)
    program = result.program
    limits = TINY if result.findings == () and program.target == "tiny" else LOIHI2
    assert within_limits(program, limits)
    checked = validate(program, limits, qc)
    assert checked.findings == ()
    assert checked.compared > 0


@pytest.mark.parametrize("coding", [Coding.BIAS, Coding.HOST, Coding.GRADED])
@pytest.mark.parametrize("limits", [LOIHI2, TINY])
def test_a_residual_network_says_the_same_in_bytes(coding, limits):
    qc = small_sew(1)
    program = mapped(qc, limits, coding)
    assert within_limits(program, limits)
    assert validate(program, limits, qc).differing == 0
    assert (len(program.cores) > 10) == (limits is TINY)
    assert (
        set(program.input_axons)
        == {
            Coding.BIAS: set[str](),
            Coding.HOST: {"conv1"},
            Coding.GRADED: {INPUT},
        }[coding]
    )


def test_cores_are_numbered_layer_by_layer_onto_chips():
    qc = small_sew(0)
    quantities = dict(TINY.quantities)
    for key, value in {
        "chip.cores": 4,
        "mesh.columns": 2,
        "mesh.rows": 1,
        "mesh.tile_cores": 2,
        "mesh.dead_cores": "",
    }.items():
        quantities[key] = replace(quantities[key], value=value)
    program = mapped(qc, replace(TINY, quantities=quantities), shared=False)
    order = list(dict.fromkeys(c.chip for c in program.cores))
    assert [c.chip for c in program.cores] == [order[i // 4] for i in range(len(program.cores))]
    assert program.chips == -(-len(program.cores) // 4)
    layers = list(dict.fromkeys(c.tiles[0].population for c in program.cores))
    assert layers == [p.name for p in qc.populations]
    assert program.populations == (INPUT, *layers)


def test_axons_of_a_small_convolution_by_hand():
    """One row of four pixels, a kernel of three, two cores of two neurons: the middle pixels go to both."""
    b = Builder((1, 1, 4), bits=4)
    b.neurons("copy", (1, 1, 4))
    b.project(INPUT, "copy", Identity(), [1])
    b.conv("sum", "copy", 1, size=1)
    weight = ints(np.ones((1, 1, 1, 3), np.int64))
    kernel = replace(b.projections[1].kernel, padding=(0, 1))
    b.projections[1] = replace(b.projections[1], weight=weight, kernel=kernel)
    qc = b.done("sum")
    program = mapped(qc, target(neurons=2))
    assert [c.tiles[0].columns for c in program.cores] == [(0, 2), (2, 4), (0, 2), (2, 4)]
    tables = [loihi2.unpack_core(c, LOIHI2).axons for c in program.cores]
    reached = [[t.core[a:b].tolist() for a, b in pairwise(t.first)] for t in tables]
    assert reached == [[[2], [2, 3]], [[2, 3], [3]], [[], []], [[], []]]


def test_tiles_of_the_same_channels_share_their_words():
    program = mapped(small_sew(0), TINY, shared=False)
    by_channels = {}
    for c in (c for c in program.cores if c.synapses.size):
        by_channels.setdefault((c.populations, c.tiles[0].channels), []).append(c.synapses)
    shared = [words for words in by_channels.values() if len(words) > 1]
    assert shared
    assert all(w is words[0] for words in shared for w in words)


def test_progress_ends_at_one():
    told = []
    map_circuit(small_sew(0), LOIHI2, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"gain": ints([[[3]]])}, "widths.gain_bits", "gains on"),
        ({"gain": ints([[[[3]]], [[[4]]]] * 2)}, "widths.per_step", "from step to step"),
        ({"reset": Reset.SUBTRACT}, "widths.subtract_reset", "subtracts"),
    ],
)
def test_what_the_target_lacks_is_found(change, key, words):
    qc = small_sew(0)
    first, *rest = qc.populations
    second = replace(rest[0], neuron=replace(rest[0].neuron, **change))
    qc = replace(qc, populations=(first, second, *rest[1:]))
    quantities = dict(LOIHI2.quantities)
    quantities[key] = replace(quantities[key], value=False)
    result = map_circuit(qc, replace(LOIHI2, quantities=quantities))
    (finding,) = result.findings
    assert (finding.code, finding.where) == ("map-feature", "maxpool")
    assert words in finding.why
    assert result.program.cores == ()


def without_steps(qc):
    quantities = dict(LOIHI2.quantities)
    key = "widths.per_step"
    quantities[key] = replace(quantities[key], value=False)
    return map_circuit(qc, replace(LOIHI2, quantities=quantities)).findings


def test_biases_that_change_need_a_target_that_has_them():
    b = Builder((1, 4, 4))
    b.conv("one", INPUT, 2)
    b.conv("two", "one", 2, bias=np.ones((4, 2, 1, 1)))
    assert without_steps(b.done("two")) == ()
    b.conv("three", "two", 1, bias=np.arange(4).reshape(4, 1, 1, 1))
    (finding,) = without_steps(b.done("three"))
    assert (finding.code, finding.where) == ("map-feature", "three")
    assert "from step to step" in finding.why


@pytest.mark.parametrize("seed", range(3))
def test_gains_and_biases_of_each_step_are_counted_by_the_split(seed):
    qc = stepwise(seed)
    loose = map_circuit(qc, LOIHI2, coding=Coding.GRADED)
    assert loose.findings == ()
    assert not validate(loose.program, LOIHI2, qc).differing
    assert audit(loose.program, LOIHI2) == ()
    tight = target(parameter_words=28)
    program = map_circuit(qc, tight, coding=Coding.GRADED).program
    assert audit(program, tight) == ()
    assert not validate(program, tight, qc).differing
    assert max(len(core.parameters) for core in loose.program.cores) > 28
    assert len(program.cores) > len(loose.program.cores)


def test_all_findings_are_collected():
    qc = small_sew(0)
    p = qc.populations[3]
    twice = replace(p.neuron, levels=p.neuron.levels * 2, amounts=p.neuron.amounts * 2)
    populations = (*qc.populations[:3], replace(p, neuron=twice), *qc.populations[4:])
    qc = replace(qc, populations=populations)
    quantities = dict(LOIHI2.quantities)
    for key, value in {"widths.levels": 0, "core.axons_in": 1, "core.synapse_words": 20}.items():
        quantities[key] = replace(quantities[key], value=value)
    result = map_circuit(qc, replace(LOIHI2, quantities=quantities))
    assert {f.code for f in result.findings} == {"map-feature", "map-fit"}
    assert all(f.severity is Severity.ERROR and f.where for f in result.findings)


def test_a_value_that_no_field_holds_names_its_layer():
    qc = small_sew(0)
    wide = replace(qc.populations[2], bias=ints([[[1 << 23]]]))
    qc = replace(qc, populations=(*qc.populations[:2], wide, *qc.populations[3:]))
    with pytest.raises(StatementError, match=r"map-range.*layer1\.0\.conv1.*bias"):
        map_circuit(qc, LOIHI2)


def test_sew_resnet18_at_full_size():
    qc = sew_resnet()
    apart, _ = plan_cores(qc, LOIHI2, Coding.BIAS, shared=False)
    assert apart.cores == 794
    program = mapped(qc)
    assert program.coding is Coding.BIAS
    assert (len(program.cores), program.chips) == (770, 7)
    assert within_limits(program, LOIHI2)
    first = next(c for c in program.cores if c.populations == ("layer1.0.conv1",))
    (tile,) = loihi2.unpack_core(first, LOIHI2).tiles
    c, h, w = tile.shape
    weight = qc.into("layer1.0.conv1")[0].weight
    assert (c, h, w) == (64, 7, 8)
    assert np.array_equal(tile.connections[0].weight, weight.transpose(1, 2, 3, 0))
