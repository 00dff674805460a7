from dataclasses import replace

import numpy as np
import pytest

from snn2chip.chip.codings import bias_range, choose_coding, misfit_of
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.wiring import fed_by_input, wire
from snn2chip.circuit.types import INPUT, Conv, InputKind
from snn2chip.engines.core_host import bias_of
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits
from tests.chip.circuits import Builder

LOIHI1, LOIHI2 = load_target("loihi1"), load_target("loihi2")


def chain(bits=4, kind=InputKind.STATIC, weight=None, exponent=0, **stem):
    b = Builder((2, 5, 5), bits=bits, kind=kind)
    b.conv("stem", INPUT, 3, weight=weight, **stem)
    b.projections[0] = replace(b.projections[0], exponent=exponent)
    b.conv("next", "stem", 2)
    return b.done(b.answer("answer", "next", 3))


def why(qc, target, coding):
    misfit = misfit_of(qc, target, coding)
    return "" if misfit is None else misfit.why


def test_the_first_that_fits_is_taken():
    assert choose_coding(chain(), LOIHI2) is Coding.BIAS
    assert choose_coding(chain(kind=InputKind.FRAMES), LOIHI2) is Coding.HOST
    assert choose_coding(chain(bits=16, exponent=7), LOIHI2) is Coding.HOST


def test_graded_where_the_host_cannot_run_the_stem():
    b = Builder((2, 5, 5), kind=InputKind.FRAMES)
    b.conv("stem", INPUT, 2)
    b.conv("late", (INPUT, "stem"), 2)
    b.conv("next", "late", 2)
    qc = b.done(b.answer("answer", "next", 3))
    assert choose_coding(qc, LOIHI2, Coding.HOST) is Coding.HOST
    b = Builder((2, 5, 5), kind=InputKind.FRAMES)
    b.conv("stem", INPUT, 2)
    b.conv("next", "stem", 2)
    b.conv("late", (INPUT, "next"), 2)
    qc = b.done(b.answer("answer", "late", 3))
    assert choose_coding(qc, LOIHI2) is Coding.GRADED
    assert "spikes of next back" in why(qc, LOIHI2, Coding.HOST)


def test_what_was_asked_for_is_taken_or_refused_with_numbers():
    assert choose_coding(chain(), LOIHI2, Coding.GRADED) is Coding.GRADED
    assert choose_coding(chain(), LOIHI2, Coding.EVENTS) is Coding.EVENTS
    with pytest.raises(StatementError) as e:
        choose_coding(chain(bits=5), LOIHI2, Coding.EVENTS)
    assert e.value.finding.code == "map-coding"
    assert (e.value.finding.have, e.value.finding.need) == ("0..15", "0..31")
    with pytest.raises(StatementError, match="17 bits"):
        choose_coding(chain(bits=17), LOIHI2, Coding.GRADED)
    with pytest.raises(StatementError, match="binary"):
        choose_coding(chain(), LOIHI1, Coding.GRADED)
    with pytest.raises(StatementError, match="frames"):
        choose_coding(chain(kind=InputKind.FRAMES), LOIHI2, Coding.BIAS)


def test_nothing_fits():
    b = Builder((2, 5, 5), kind=InputKind.FRAMES, bits=17)
    qc = b.done(b.answer("answer", INPUT, 3))
    with pytest.raises(StatementError, match=r"no coding.*bias:.*host:.*graded:.*events:"):
        choose_coding(qc, LOIHI2)


def test_integers_of_host_populations_need_payloads():
    assert misfit_of(chain(emits=Emits.GRADED), LOIHI2, Coding.HOST) is None
    assert "integers" in why(chain(emits=Emits.GRADED), LOIHI1, Coding.HOST)
    assert "integers" in why(chain(levels=2), LOIHI1, Coding.HOST)


@pytest.mark.parametrize("signed", [False, True])
def test_the_range_of_biases_holds_for_extreme_images(signed):
    qc = chain(exponent=3)
    qc = replace(qc, input=replace(qc.input, signed=signed))
    low, high = bias_range(qc, "stem")
    p, weight = qc.population("stem"), qc.projections[0].weight
    seen = []
    for c in range(3):
        for sign in (1, -1):
            at = sign * weight[c] > 0
            image = np.zeros((1, 2, 5, 5), np.int64)
            image[0, :, 1:4, 1:4] = np.where(at, qc.input.high, qc.input.low)
            data = InputData(kind=InputKind.STATIC, values=image)
            seen.append(bias_of(qc, "stem", data)[0, 0] + p.bias)
    assert low == min(int(s.min()) for s in seen)
    assert high == max(int(s.max()) for s in seen)


def test_the_bias_field_is_the_limit():
    weight = np.zeros((3, 2, 3, 3), np.int64)
    weight[0, 0, 0, 0] = 127
    fits = chain(bits=8, weight=weight, exponent=6, bias=np.zeros((3, 1, 1)))
    assert bias_range(fits, "stem") == (0, 255 * 127 << 8)
    assert misfit_of(fits, LOIHI2, Coding.BIAS) is None
    wide = chain(bits=8, weight=weight, exponent=7, bias=np.zeros((3, 1, 1)))
    misfit = misfit_of(wide, LOIHI2, Coding.BIAS)
    assert misfit is not None
    assert (misfit.where, misfit.have) == ("stem", f"{-(1 << 23)}..{(1 << 23) - 1}")


def test_wiring_of_each_coding():
    qc = chain()
    assert fed_by_input(qc) == ("stem",)
    bias, host, graded = (wire(qc, c) for c in (Coding.BIAS, Coding.HOST, Coding.GRADED))
    assert (bias.host_biases, bias.on_host, bias.links["stem"]) == (("stem",), (), ())
    assert (host.host_biases, host.on_host) == ((), ("stem",))
    assert list(host.links) == ["next", "answer"]
    assert [t for t, _ in graded.out_of(INPUT)] == ["stem"]
    assert isinstance(graded.links["stem"][0].projection.kernel, Conv)
