from dataclasses import replace

from snn2chip.chip.align import align, check_aligned, check_delays, without_delays
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.target_file import Quantity
from snn2chip.chip.target_keys import Status
from snn2chip.chip.wiring import wire
from snn2chip.circuit.types import INPUT
from snn2chip.neuron import Emits, Reset
from tests.chip.circuits import Builder, small_sew


def with_delay(at, bits):
    target = load_target("loihi2")
    new = {
        "delay.at": Quantity(value=at, unit="", source="test", status=Status.ASSUMED),
        "delay.bits": Quantity(value=bits, unit="bits", source="test", status=Status.ASSUMED),
    }
    return replace(target, quantities={**target.quantities, **new})


def test_depth_is_the_longest_path():
    qc = small_sew(0)
    schedule = align(qc)
    assert schedule.depth == {
        INPUT: 0,
        "conv1": 1,
        "maxpool": 2,
        "layer1.0.conv1": 3,
        "layer1.0.conv2": 4,
        "layer2.0.conv1": 5,
        "layer2.0.conv2": 6,
        "layer2.0.down": 5,
        "layer2.1.conv1": 7,
        "layer2.1.conv2": 8,
        "fc": 9,
    }


def test_summands_of_a_join_arrive_together():
    schedule = align(small_sew(0))
    join = "layer2.0.down+layer2.0.conv2->layer2.1.conv1"
    assert schedule.delays[join, "layer2.0.down"] == 1
    assert schedule.delays[join, "layer2.0.conv2"] == 0
    readout = "layer2.0.down+layer2.0.conv2+layer2.1.conv2->fc"
    assert [schedule.delays[readout, s] for s in readout.split("->")[0].split("+")] == [3, 2, 0]
    assert min(schedule.delays.values()) == 0


def test_without_delays_shortcuts_arrive_early():
    qc = small_sew(0)
    schedule = align(qc)
    assert check_aligned(schedule, qc) == ()
    early = without_delays(schedule)
    assert early.depth == schedule.depth
    (finding,) = check_aligned(early, qc)
    held = sum(d > 0 for d in schedule.delays.values())
    assert (finding.code, finding.have) == ("map-unaligned", f"{held} early edges")
    assert finding.where == "layer2.0.conv1, from maxpool"
    b = Builder((1, 3, 3))
    b.conv("a", INPUT, 2)
    chain = b.done(b.conv("b", "a", 2))
    assert check_aligned(without_delays(align(chain)), chain) == ()


def test_what_nothing_feeds_comes_first():
    b = Builder((1, 3, 3))
    b.neurons("clock", (2, 3, 3))
    b.conv("a", INPUT, 2)
    b.conv("b", ("a", "clock"), 2)
    assert align(b.done("b")).depth == {INPUT: 0, "clock": 1, "a": 1, "b": 2}


def test_a_delay_that_the_target_cannot_hold_is_named():
    qc = small_sew(0)
    wiring = wire(qc, Coding.BIAS)
    assert check_delays(align(qc), with_delay("axon", 2), wiring) == ()
    findings = check_delays(align(qc), with_delay("axon", 1), wiring)
    assert {(f.code, f.have) for f in findings} == {("map-delay", "1 steps")}
    assert [(f.where, f.need) for f in findings] == [
        ("layer2.0.conv1, from maxpool", "2 steps"),
        ("layer2.0.down, from maxpool", "2 steps"),
        ("fc, from layer2.0.down", "3 steps"),
    ]


def test_a_target_without_delays_holds_nothing_back():
    qc = small_sew(0)
    findings = check_delays(align(qc), with_delay("none", 0), wire(qc, Coding.BIAS))
    joins = ["layer2.0.conv1", "layer2.0.down", "layer2.1.conv1", "fc"]
    assert [f.where.split(",")[0] for f in findings] == joins
    assert {f.have for f in findings} == {"0 steps"}


def test_synapses_hold_back_one_step_less_than_their_bits_say():
    """Davies 2018: 0 to 62 steps in 6 bits."""
    assert with_delay("synapse", 6).delay_max == 62
    assert with_delay("axon", 6).delay_max == 63


def test_only_what_travels_is_checked():
    b = Builder((1, 3, 3))
    last = INPUT
    for i in range(4):
        last = b.conv(f"p{i}", last, 1)
    b.neurons("out", (1, 3, 3), emits=Emits.NOTHING, reset=Reset.NONE)
    b.project((INPUT, "p3"), "out", b.projections[0].kernel, b.weights(1, 1, 3, 3))
    qc = b.done("out")
    target = with_delay("none", 6)
    assert check_delays(align(qc), target, wire(qc, Coding.BIAS)) == ()
    assert len(check_delays(align(qc), target, wire(qc, Coding.GRADED))) == 1
