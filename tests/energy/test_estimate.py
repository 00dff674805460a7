import json
from dataclasses import replace

import numpy as np
import pytest

from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.energy.cores import folded
from snn2chip.energy.counts import count
from snn2chip.energy.estimate import Estimate, estimate
from snn2chip.energy.text import number
from snn2chip.engines import spec
from snn2chip.errors import Snn2ChipError
from tests.chip import small

LOIHI2, LOIHI1 = load_target("loihi2"), load_target("loihi1")


def given(value):
    assert value is not None
    return value


def counted(coding=Coding.BIAS, with_program=True):
    qc = small.residual(0)
    inputs = small.samples(qc, 0)
    program = small.packed(*small.lay_out(qc, 0, coding), LOIHI2) if with_program else None
    return count(qc, spec.run(qc, inputs), program, LOIHI2, inputs=inputs)


def test_each_line_is_count_times_price():
    counts = counted()
    found = estimate(counts, LOIHI2)
    prices = LOIHI2.prices["loihi1-davies2018"]
    assert found.table == "loihi1-davies2018"
    by_name = {i.name: i for i in found.items}
    synops = by_name["synaptic operations"]
    assert synops.count == given(counts.cores).synops.sum() / 3
    assert synops.pj == synops.count * 23.6
    assert (synops.status, synops.source) == (
        prices["synapse_pj"].status.value,
        prices["synapse_pj"].source,
    )
    assert by_name["messages to cores"].pj == pytest.approx(
        given(counts.cores).messages.sum() / 3 * 1.7
    )
    idle = by_name["neuron updates, nothing arrived"].count
    active = by_name["neuron updates, something arrived"].count
    assert (idle + active) * 3 == sum(p.updates for p in counts.populations)
    dynamic = [i for i in found.items if i.unit == "pJ"]
    assert found.dynamic_pj == pytest.approx(sum(given(i.pj) for i in dynamic))
    assert found.static_pj == pytest.approx(0.25 * given(found.time).period_us * 1e6)


def test_gains_cost_no_synaptic_operation_and_are_listed_without_a_price():
    qc = small.stepwise(0)
    inputs = small.samples(qc, 0)
    program = small.packed(*small.lay_out(qc, 0, Coding.GRADED), LOIHI2)
    recording = spec.run(qc, inputs)
    counts = count(qc, recording, program, LOIHI2, inputs=inputs)
    gained = [p for p in qc.populations if p.neuron.gain is not None]
    neurons = sum(c * h * w for c, h, w in (p.shape for p in gained))
    assert sum(p.gains for p in counts.populations) == neurons * qc.steps * inputs.samples
    (line,) = (u for u in estimate(counts, LOIHI2).unpriced if u.startswith("gains"))
    assert f"{neurons * qc.steps:,} multiplications" in line
    plain = [replace(p, neuron=replace(p.neuron, gain=None, gain_shift=0)) for p in qc.populations]
    without = count(replace(qc, populations=tuple(plain)), recording, inputs=inputs)
    assert [p.synops for p in without.projections] == [p.synops for p in counts.projections]
    assert sum(p.gains for p in without.populations) == 0


def test_total_is_a_range_over_price_tables():
    counts = counted()
    totals = []
    for table in LOIHI2.prices:
        e = estimate(counts, LOIHI2, prices=table)
        totals.append(given(e.dynamic_pj) + given(e.static_pj))
    found = estimate(counts, LOIHI2)
    assert (found.low_pj, found.high_pj) == (min(totals), max(totals))
    assert given(found.low_pj) < given(found.high_pj)


def test_prices_of_another_chip_are_said_in_the_line_of_the_total():
    line = next(x for x in estimate(counted(), LOIHI2).lines() if x.startswith("  total"))
    assert "prices are those of loihi1, the previous chip: not a measurement of loihi2" in line
    assert "static power 0.25 W per chip, fitted" in line
    assert estimate(counted(), LOIHI1).notice == ""


def test_what_has_no_price_is_listed():
    found = estimate(counted(), LOIHI2)
    assert any(u.startswith("the host's part (stem): ") for u in found.unpriced)
    assert any(u.startswith("multiplying by a payload") for u in found.unpriced)
    found = estimate(counted(Coding.GRADED), LOIHI2)
    assert any(u.startswith("messages from the host") for u in found.unpriced)
    found = estimate(counted(with_program=False), LOIHI2)
    assert found.unpriced[0] == "messages, time and static power: no program was given"
    assert found.time is None
    assert found.static_pj is None
    assert "static not priced" in "\n".join(found.lines())


def placed(chips, seed=0):
    """The hand-made program on these chips, the cores of each in order."""
    qc = small.residual(seed)
    inputs = small.samples(qc, seed)
    program = small.packed(*small.lay_out(qc, seed, Coding.GRADED, two_in_one=False), LOIHI2)
    places = [chips[i % len(chips)] for i in range(len(program.cores))]
    cores = tuple(replace(c, chip=p) for c, p in zip(program.cores, places, strict=True))
    program = replace(program, cores=cores, placement=small.in_order(places))
    return count(qc, spec.run(qc, inputs), program, LOIHI2, inputs=inputs)


def test_hops_are_priced_by_table():
    counts = placed([0])
    routed = given(given(counts.cores).routed)
    for table, ew, ns in (("loihi1-davies2018", 3.0, 4.0), ("loihi1-sanafe2025", 3.0, 4.2)):
        items = {i.name: i for i in estimate(counts, LOIHI2, prices=table).items}
        east_west, north_south = items["hops east or west"], items["hops north or south"]
        assert east_west.count * 3 == routed.hops_ew.sum() > 0
        assert (north_south.count * 3, north_south.price) == (routed.hops_ns.sum(), ns)
        assert east_west.pj == pytest.approx(east_west.count * ew)
        assert "ways from chip to chip" not in items
    assert not any("chip" in u for u in estimate(counts, LOIHI2).unpriced)


def test_ways_between_chips_are_listed_or_priced():
    counts = placed([0, 1])
    crossings = given(given(counts.cores).routed).crossings.sum() / 3
    found = estimate(counts, LOIHI2)
    (text,) = [u for u in found.unpriced if u.startswith("ways from chip to chip")]
    assert text == f"ways from chip to chip: {number(crossings)} (their energy and time)"
    assert found.chips == 2
    table = dict(LOIHI2.prices["loihi1-davies2018"])
    table |= {
        k: replace(table[k], value=v) for k, v in (("crossing_pj", 2.0), ("crossing_ns", 1e6))
    }
    known = replace(LOIHI2, prices={"loihi1-davies2018": table})
    dear = estimate(counts, known)
    (item,) = [i for i in dear.items if i.name == "ways from chip to chip"]
    assert item.pj == pytest.approx(crossings * 2.0)
    assert not any(u.startswith("ways") for u in dear.unpriced)
    # A millisecond for each message over the link: no core is as slow.
    links = given(given(counts.cores).routed).links
    slowest = links.most_crossing * 1e6 + float(table["barrier_ns"].value)
    assert given(dear.time).slowest_step_us == pytest.approx(slowest.max() / 1e3)
    assert given(dear.time).link_steps == pytest.approx((links.most_crossing > 0).mean(), abs=0.35)
    assert given(dear.time).link_steps > given(found.time).link_steps


def test_cores_without_places_are_said():
    counts = counted()
    cores = replace(given(counts.cores), routed=None)
    found = estimate(replace(counts, cores=cores), LOIHI2)
    assert "hops on the mesh: cores have no place on it" in found.unpriced
    assert not any(i.name.startswith("hops") for i in found.items)


def test_energy_delay_product_and_rate():
    found = estimate(counted(), LOIHI2)
    spent = given(found.time)
    total = given(found.dynamic_pj) + given(found.static_pj)
    assert found.edp_js == pytest.approx(total * spent.latency_us * 1e-18)
    assert spent.per_second == pytest.approx(1e6 / spent.period_us)
    assert "energy-delay product" in "\n".join(found.lines())


def test_static_power_is_named_where_cores_are_shared_and_it_dominates():
    counts = counted()
    assert given(counts.cores).shared == 6
    assert given(placed([0]).cores).shared == 0, "the same tiles, laid out on a core each"
    found = estimate(counts, LOIHI2)
    share = given(found.static_pj) / (given(found.static_pj) + given(found.dynamic_pj))
    assert found.static_share == share > 0.5
    (text,) = found.shared()
    assert text.startswith(
        f"static power is {100 * share:.0f} % of it and falls with time; cores of several tiles: 6 of "
    )
    assert text.endswith("--share-cores none shortens the steps, for more cores")
    assert f"  {text}" in found.lines()
    apart = replace(counts, cores=replace(given(counts.cores), shared=0))
    small = replace(found, static_pj=given(found.dynamic_pj) / 2)
    for silent in (estimate(apart, LOIHI2), estimate(counts, LOIHI2, prices="none"), small):
        assert silent.shared() == ()


def test_counts_only():
    found = estimate(counted(), LOIHI2, prices="none")
    assert found.table is None
    assert found.low_pj is None
    assert all(i.price is None and i.pj is None for i in found.items)
    assert found.items[0].count > 0
    text = "\n".join(found.lines())
    assert "counts only" in text
    assert "total" not in text


def test_unknown_table():
    with pytest.raises(Snn2ChipError, match="did you mean 'loihi1-davies2018'"):
        estimate(counted(), LOIHI2, prices="loihi1-davies2019")


def test_time_is_that_of_the_slowest_core():
    counts = counted()
    c, p = given(counts.cores), LOIHI2.prices["loihi1-davies2018"]
    slowest = []
    for s in range(3 * 3):
        at = range(s, c.synops.shape[1], 9)
        loads = [
            c.synops[k, at].sum() * 3.5
            + (c.neurons[k] - c.active[k, at].sum()) * 5.3
            + c.active[k, at].sum() * 8.4
            + c.messages[k, at].sum() * 2.1
            for k in range(len(c.neurons))
        ]
        slowest.append(max(loads) + p["barrier_ns"].value)
    found = given(estimate(counts, LOIHI2).time)
    assert found.period_us == pytest.approx(np.mean(slowest) * 3 / 1e3)
    assert found.slowest_step_us == pytest.approx(max(slowest) / 1e3)
    assert found.latency_us > found.period_us


def test_folding_keeps_sums():
    loads = np.arange(14).reshape(2, 7)
    np.testing.assert_array_equal(
        folded(loads, 3), [[0 + 3 + 6, 1 + 4, 2 + 5], [7 + 10 + 13, 8 + 11, 9 + 12]]
    )


def test_papers_convention():
    qc = small.chain(0)
    inputs = small.samples(qc, 0)
    counts = count(qc, spec.run(qc, inputs), inputs=inputs)
    found = estimate(counts, LOIHI2).convention
    first, second = counts.projections
    assert found.macs == first.mac_dense
    assert found.acs == second.sop_units / 3
    assert found.ann_macs == first.mac_dense + second.mac_dense
    assert found.snn_pj == pytest.approx(found.macs * 4.6 + found.acs * 0.9)
    assert found.ann_pj == pytest.approx(found.ann_macs * 4.6)
    frames = replace(counts, static=False)
    assert estimate(frames, LOIHI2).convention.macs == first.mac_dense * qc.steps


def test_round_trip():
    for prices in (None, "none"):
        found = estimate(counted(), LOIHI2, prices=prices)
        again = Estimate.from_dict(json.loads(json.dumps(found.to_dict())))
        assert again == found
        assert again.lines() == found.lines()


def priced_by(**values):
    """LOIHI2 with one price table, in which these values stand."""
    table = dict(LOIHI2.prices["loihi1-davies2018"])
    table |= {k: replace(table[k], value=v) for k, v in values.items()}
    return replace(LOIHI2, prices={"sheet": table}, default_prices="sheet")


def test_a_term_of_unknown_energy_is_left_out_and_said():
    counts = counted()
    whole = estimate(counts, priced_by())
    found = estimate(counts, priced_by(synapse_pj="unknown"))
    (synops,) = [i for i in whole.items if i.name == "synaptic operations"]
    assert given(whole.dynamic_pj) - given(found.dynamic_pj) == pytest.approx(given(synops.pj))
    assert f"synaptic operations: {number(synops.count)} (their energy)" in found.unpriced
    assert found.time == whole.time


@pytest.mark.parametrize("key", ["synapse_ns", "neuron_idle_ns", "message_ns", "barrier_ns"])
def test_without_a_time_of_cores_there_is_no_time_and_no_static_power(key):
    found = estimate(counted(), priced_by(**{key: "unknown"}))
    assert (found.time, found.static_pj, found.edp_js, found.assumed) == (None, None, None, ())
    assert f"time and static power: {key} unknown" in found.unpriced
    assert found.low_pj == found.dynamic_pj
    assert "static not priced" in "\n".join(found.lines())
    assert Estimate.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_hops_without_a_time_leave_the_time_of_cores():
    known = estimate(placed([0]), priced_by())
    found = estimate(placed([0]), priced_by(hop_ew_ns="unknown", hop_ns_ns="unknown"))
    assert given(found.time).link_steps == 0
    assert given(found.time).step_us <= given(known.time).step_us
    assert any(u.startswith("hops east or west") and "(their time)" in u for u in found.unpriced)
    crossing = priced_by(hop_ew_ns="unknown", hop_ns_ns="unknown", crossing_ns="unknown")
    assert given(estimate(placed([0]), crossing).time).link_steps == 0


def test_unknown_static_power_is_said():
    found = estimate(counted(), priced_by(static_w="unknown"))
    assert found.static_pj is None and found.time is not None
    assert "static power: static_w unknown" in found.unpriced


def test_times_of_zero_are_no_time():
    zero = {k: 0.0 for k in LOIHI2.prices["loihi1-davies2018"] if k.endswith("_ns")}
    found = estimate(counted(), priced_by(**zero))
    assert found.time is None and found.static_pj is None
    assert "time and static power: every time in the price table is 0" in found.unpriced


def test_a_table_without_energies_prices_static_power_alone():
    nothing = {k: "unknown" for k in LOIHI2.prices["loihi1-davies2018"] if k.endswith("_pj")}
    found = estimate(counted(), priced_by(**nothing))
    assert found.dynamic_pj is None and found.low_pj == found.static_pj
    assert "dynamic not priced" in "\n".join(found.lines())
    found = estimate(counted(), priced_by(**nothing, static_w="unknown"))
    assert found.low_pj is None and "total" not in "\n".join(found.lines())
    assert found.delay_product == "energy-delay product not priced"


def test_the_range_is_over_tables_that_price_the_same():
    sheet = priced_by(synapse_pj="unknown").prices["sheet"]
    both = replace(LOIHI2, prices={**LOIHI2.prices, "sheet": sheet})
    assert estimate(counted(), both).tables == ("loihi1-davies2018", "loihi1-sanafe2025")
    found = estimate(counted(), both, prices="sheet")
    assert found.tables == ("sheet",)
    assert found.low_pj == found.high_pj
