from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.chip.audit import audit
from snn2chip.chip.examine import examine
from snn2chip.chip.rules import PAGES, RULES
from snn2chip.chip.target import load_target
from snn2chip.chip.validate import validate
from snn2chip.errors import Severity
from tests.chip import small

LOIHI2 = load_target("loihi2")


def limited(**values):
    """Loihi 2 with other values: `core__neurons=3`."""
    quantities = dict(LOIHI2.quantities)
    for key, value in values.items():
        name = key.replace("__", ".")
        quantities[name] = replace(quantities[name], value=value)
    return replace(LOIHI2, quantities=quantities)


@cache
def residual(seed=0, shared=True):
    """Cores with one tile or, `shared`, some with three of any layers."""
    return small.packed(*small.lay_out(small.residual(seed), seed, two_in_one=shared), LOIHI2)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_to_find(seed):
    assert audit(residual(seed), LOIHI2) == ()


@pytest.mark.parametrize(
    ("values", "code", "layers"),
    [
        ({"core__neurons": 20}, "map-neurons", {"stem", "a", "b", "down", "deep", "relay"}),
        ({"core__synapse_words": 70}, "map-synapse-words", {"hidden"}),
        ({"core__axons_in": 10}, "map-axons-in", {"hidden"}),
        ({"core__axon_map_words": 11}, "map-axon-map", None),
        ({"core__axon_memory_words": 3}, "map-axon-memory", None),
        ({"core__total_words": 100}, "map-total-words", None),
        ({"core__header_words": 9}, "map-header-words", None),
        ({"delay__bits": 1}, "map-delay", {"down", "answer"}),
        ({"delay__at": "none"}, "map-delay", None),
        ({"widths__weight_bits": 5}, "map-weight-bits", {"deep"}),
        ({"widths__exponent_max": 1}, "map-exponent", {"b"}),
        ({"widths__threshold_bits": 7}, "map-threshold", None),
        ({"widths__threshold_step": 64}, "map-threshold", None),
        ({"widths__bias_bits": 3}, "map-bias", None),
        ({"widths__membrane_bits": 20}, "map-membrane", None),
        ({"widths__payload_bits": 0}, "map-payload", {"deep", "relay"}),
        ({"widths__graded": False}, "map-payload", {"deep", "relay"}),
        ({"widths__subtract_reset": False}, "map-reset", {"a", "b", "deep"}),
        ({"widths__levels": False}, "map-levels", {"down"}),
        ({"widths__per_neuron_bias": False}, "map-bias-map", {"stem"}),
        ({"widths__fraction_fixed": True}, "map-fraction", None),
    ],
)
def test_each_limit_is_audited(values, code, layers):
    findings = audit(residual(shared="core" not in str(values)), limited(**values))
    assert {f.code for f in findings} == {code}
    assert all(f.severity is Severity.ERROR for f in findings)
    named = {f.where.split(",")[0] for f in findings}
    assert named <= {"stem", "a", "b", "down", "deep", "relay", "hidden", "answer"}
    assert layers is None or named == layers


def test_limits_of_shared_cores_name_their_layers():
    program = residual()
    findings = audit(program, limited(core__groups=2))
    assert {f.code for f in findings} == {"map-groups"}
    full = {i: c.populations for i, c in enumerate(program.cores) if len(c.tiles) > 2}
    assert full
    for f in findings:
        layers, core = f.where.split(", core ")
        assert layers == " + ".join(full[int(core)])
    assert {f.where.split(",")[0] for f in findings} == {" + ".join(n) for n in full.values()}


@cache
def stepwise():
    return small.packed(*small.lay_out(small.stepwise(0), 0, two_in_one=False), LOIHI2)


@pytest.mark.parametrize(
    ("values", "code", "layers"),
    [
        ({}, None, set()),
        ({"core__parameter_words": 20}, "map-parameter-words", {"two"}),
        ({"widths__gain_bits": 4}, "map-gain", {"one", "two", "three", "four"}),
        ({"widths__gain_bits": 0}, "map-gain", {"one", "two", "three", "four"}),
        ({"widths__per_step": False}, "map-per-step", {"one", "two", "sum", "four"}),
        ({"widths__bias_bits": 5}, "map-bias", {"one", "two", "sum", "four"}),
        ({"widths__per_neuron_bias": False}, "map-bias-map", {"two"}),
    ],
)
def test_limits_of_gains_and_of_single_steps(values, code, layers):
    findings = audit(stepwise(), limited(**values))
    assert {f.code for f in findings} == ({code} if code else set())
    assert {f.where.split(",")[0] for f in findings} == layers


def test_findings_of_all_rules_are_collected():
    findings = audit(
        residual(shared=False), limited(core__neurons=20, widths__levels=False, delay__bits=1)
    )
    assert [f.code for f in findings[-1:]] == ["map-levels"]
    assert {f.code for f in findings} == {"map-neurons", "map-delay", "map-levels"}
    assert "need at most 20" in str(findings[0])
    assert "have 180" in str(findings[0])


def test_bias_with_exponent():
    target = limited(widths__bias_bits=5, widths__bias_exponent_max=0)
    qc = small.chain(2)
    biases = {15: (), 16: ("map-bias",), 30: ("map-bias",)}
    for value, codes in biases.items():
        assert tuple(f.code for f in audit(with_bias(qc, value), target)) == codes
    target = limited(widths__bias_bits=5, widths__bias_exponent_max=2)
    biases = {15: (), 16: (), -60: (), 64: ("map-bias",), 31: ("map-bias",)}
    for value, codes in biases.items():
        assert tuple(f.code for f in audit(with_bias(qc, value), target)) == codes


def with_bias(qc, value):
    first, second = qc.populations
    flat = replace(second, bias=ints(second.bias * 0))
    changed = replace(first, bias=ints(np.full_like(first.bias, value)))
    qc = replace(qc, populations=(changed, flat))
    return small.packed(*small.lay_out(qc, 2), LOIHI2)


def test_destinations_that_are_not_there():
    qc = small.chain(2)
    program, unpacked = small.lay_out(qc, 2, two_in_one=False)
    table = unpacked.cores[0].axons
    for lost in (
        replace(table, core=ints(table.core + 90)),
        replace(table, axon=ints(table.axon + 9)),
    ):
        cores = (replace(unpacked.cores[0], axons=lost), *unpacked.cores[1:])
        findings = audit(small.packed(program, replace(unpacked, cores=cores), LOIHI2), LOIHI2)
        assert [f.code for f in findings] == ["map-axon-target"]
        assert findings[0].where == "one, core 0"
    host = unpacked.hosts[0]
    hosts = {0: replace(host, axon=ints(host.axon + 9))}
    findings = audit(small.packed(program, replace(unpacked, hosts=hosts), LOIHI2), LOIHI2)
    assert [f.where for f in findings] == ["input, from the host"]


def test_words_that_cannot_be_read_are_a_finding():
    program = residual()
    cut = replace(program.cores[1], groups=program.cores[1].groups[:-1])
    cores = (program.cores[0], cut, *program.cores[2:])
    findings = audit(replace(program, cores=cores), LOIHI2)
    assert [(f.code, f.where) for f in findings] == [("program-bytes", "core 1")]
    findings = audit(replace(program, format="loihi9"), LOIHI2)
    assert [f.code for f in findings] == ["program-format"]


def test_each_rule_has_a_page():
    assert len(PAGES) == len(RULES)
    for code, page in PAGES.items():
        first, *rest = page.splitlines()
        assert code.startswith("map-")
        assert first.endswith(".")
        assert any(line.startswith("What to do: ") for line in rest)


@pytest.mark.parametrize("seed", range(2))
def test_the_words_read_once_say_what_audit_and_validation_say(seed):
    qc, program = small.residual(seed), residual(seed)
    few = limited(core__neurons=20)
    assert examine(program, few, qc) == (audit(program, few), validate(program, few, qc))
    other = small.residual(seed + 1)
    assert examine(program, few, other) == (audit(program, few), validate(program, few, other))
    assert validate(program, few, other).differing


def test_words_that_cannot_be_read_stop_both():
    program = residual()
    broken = replace(program.cores[0], groups=program.cores[0].groups[:-1])
    damaged = replace(program, cores=(broken, *program.cores[1:]))
    findings, validation = examine(damaged, LOIHI2, small.residual(0))
    assert findings == validation.findings == audit(damaged, LOIHI2)
    assert [f.code for f in findings] == ["program-bytes"]
    assert validation == validate(damaged, LOIHI2, small.residual(0))
