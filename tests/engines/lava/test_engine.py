"""Lava fires what the spec fires: every output, every read-out potential. Many circuits share one start of Lava."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from snn2chip.arrays import ints
from snn2chip.circuit.types import Conv, Dense, InputKind
from snn2chip.engines import dense, layer, onnx, spec
from snn2chip.engines.lava import engine
from snn2chip.engines.lava.compose import compose
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import IntegerNeuron
from tests.engines.lava.small_networks import EVERYTHING, features, networks
from tests.engines.one_population import RELAY, one_population
from tests.engines.random_circuits import FAMILIES, added_spikes
from tests.engines.same import same

pytestmark = pytest.mark.usefixtures("lava")


DRAWN = 60


@pytest.mark.parametrize(
    ("fast", "families"), [(False, FAMILIES), (True, FAMILIES[:2])], ids=["stock", "fast"]
)
def test_equals_spec_on_random_circuits(fast, families):
    jobs = [family(i % 2) for i, family in enumerate(families)]
    kinds = {n.kind for job in jobs for n in compose(*job).nodes.values()}
    assert kinds >= {"Conv", "Dense", "Delay"}
    told: list[float] = []
    for (qc, inputs), got in zip(
        jobs, engine.run_many(jobs, fast=fast, progress=told.append), strict=True
    ):
        assert got.engine == ("lava-fast" if fast else "lava")
        same(got, spec.run(qc, inputs))
    assert told == sorted(told) and told[-1] == 1.0


def test_equals_spec_on_small_networks():
    """Drawn first, so that all of them share one start of Lava; those that have something new run."""
    jobs: list[engine.Job] = []
    seen: set[str] = set()

    @given(networks())
    @settings(
        max_examples=DRAWN,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def draw(job):
        if not features(*job) <= seen:
            jobs.append(job)
            seen.update(features(*job))

    draw()
    assert seen == EVERYTHING
    for job, got in zip(jobs, engine.run_many(jobs), strict=True):
        expected = spec.run(*job)
        same(got, expected)
        for other in (layer, dense, onnx):
            same(other.run(*job), expected)


def neuron(level: int, **more) -> IntegerNeuron:
    threshold = ints([[[level]]])
    fields: dict[str, Any] = {
        "levels": (threshold,),
        "amounts": (threshold,),
        "delta": ints([[[0]]]),
        "reset": Reset.ZERO,
        "late_reset": False,
        "emits": Emits.SPIKE,
    }
    return IntegerNeuron(**{**fields, **more})


FRAMES = ints(np.random.default_rng(5).integers(-3, 9, (3, 2, 2, 4, 5)))
MANY = ints(np.random.default_rng(6).integers(-3, 9, (2, 3, 128, 3, 3)))
BY_HAND: dict[str, tuple[IntegerNeuron, np.ndarray, dict[str, Any]]] = {
    "LIFReset": (neuron(9), FRAMES, {"bits": 5}),
    "LIFReset, fine": (neuron(600), FRAMES, {"bits": 5, "bias": ints([[[-7]], [[75]]]), "f": 6}),
    "LIFReset, leak": (
        neuron(640, delta=ints([[[2048]]])),
        FRAMES,
        {"bits": 5, "bias": ints([[[-7]], [[75]]]), "f": 6},
    ),
    "LIF": (neuron(5, delta=ints([[[4095]]])), FRAMES, {"bits": 5}),
    "GradedVec": (RELAY, FRAMES, {"bits": 5}),
    "Neurons": (neuron(9, reset=Reset.SUBTRACT), FRAMES, {"bits": 5}),
    "Conv": (
        neuron(30),
        FRAMES,
        {"kernel": Conv(padding=(0, 1)), "weight": np.array([[[[9, -4]], [[2, 1]]]])},
    ),
    "Dense": (neuron(30), FRAMES, {"kernel": Dense(), "weight": np.arange(-40, 40).reshape(2, 40)}),
    "WideConv": (neuron(9), MANY, {"kernel": Conv(groups=128), "weight": np.ones((128, 1, 2, 2))}),
}


def circuit(model: IntegerNeuron, frames: np.ndarray, more: dict[str, Any]):
    given = dict(more)
    bits, f = given.pop("bits", 5), given.pop("f", 0)
    weight = given.get("weight")
    if weight is not None:
        given["weight"] = ints(weight)
        kernel = given["kernel"]
        flat = isinstance(kernel, Dense)
        size = (0, 0) if flat else weight.shape[2:]
        pad = (0, 0) if flat else kernel.padding
        out = [n + 2 * p - k + 1 for n, p, k in zip(frames.shape[3:], pad, size, strict=True)]
        given["shape"] = (len(weight), 1, 1) if flat else (len(weight), *out)
    qc = one_population(model, frames, **given)
    populations = tuple(replace(p, fraction_bits=f) for p in qc.populations)
    qc = replace(qc, input=replace(qc.input, bits=bits), populations=populations)
    return qc, InputData(kind=InputKind.FRAMES, values=frames)


def test_each_process_says_what_it_is_for():
    jobs = [circuit(*told) for told in BY_HAND.values()]
    for kind, job, got in zip(BY_HAND, jobs, engine.run_many(jobs), strict=True):
        assert kind.split(",")[0] in {n.kind for n in compose(*job).nodes.values()}
        expected = spec.run(*job)
        assert np.any(expected.outputs["n"]), kind
        same(got, expected)


def test_nothing_is_recorded_that_was_not_asked_for():
    qc, inputs = added_spikes(1)
    got, expected = engine.run(qc, inputs, record=False), spec.run(qc, inputs)
    assert expected.potentials
    assert not got.outputs
    assert got.decision.tolist() == expected.decision.tolist()
    assert {k: v.tolist() for k, v in got.potentials.items()} == {
        k: v.tolist() for k, v in expected.potentials.items()
    }
