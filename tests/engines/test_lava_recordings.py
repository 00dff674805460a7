"""Our arithmetic on runs that Lava's fixed-point processes made (lava-nc 0.10.0): every value that they recorded.

Lava's synapses round weights in ways of their own, and its LIF has a current that decays and wraps; that part is
written out here. What follows it - sums, decay, clip, strict threshold, reset - is ours.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from snn2chip import fixed
from snn2chip.arrays import ints
from snn2chip.circuit.types import Conv, Dense, InputKind
from snn2chip.engines import dense, layer, spec
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import IntegerNeuron
from tests.engines.one_population import RELAY, one_population

RECORDINGS = json.loads((Path(__file__).parents[1] / "data" / "lava_recordings.json").read_text())
ENGINES = (spec, layer, dense)
LIMIT = (1 << 23) - 1
"""Lava clips membranes here; currents wrap one further."""


def currents(neuron: dict) -> np.ndarray:
    """Lava's u [T, N]: (a << 6) added to a current that keeps (4096 - du - 1) / 4096, wrapped to 24 bits."""
    u = np.zeros(len(neuron["a_in"][0]), np.int64)
    steps = []
    for t, a in enumerate(np.array(neuron["a_in"], np.int64), start=1):
        if resets(neuron, t):
            u = np.zeros_like(u)
        u = fixed.decay(u, neuron["du"] + 1) + a * 64
        u = np.where(u > LIMIT + 1, u - (1 << 24), np.where(u <= -LIMIT - 1, u + (1 << 24), u))
        steps.append(u)
    return np.array(steps)


def resets(neuron: dict, t: int) -> bool:
    """Whether LIFReset starts anew before step t (counted from 1)."""
    interval = neuron.get("reset_interval")
    return interval is not None and t % interval == neuron["reset_offset"] % interval


def biases(neuron: dict) -> np.ndarray:
    mantissa, exponent = np.array(neuron["bias_mant"], np.int64), neuron["bias_exp"]
    return mantissa << exponent if exponent >= 0 else mantissa >> -exponent


@pytest.mark.parametrize(
    "neuron", RECORDINGS["neurons"], ids=lambda n: f"{n['process']}-{n['du']}-{n['dv']}"
)
def test_membranes(neuron):
    u, drive = currents(neuron), biases(neuron)
    if "u" in neuron:
        np.testing.assert_array_equal(u, neuron["u"])
    v = np.zeros(u.shape[1:], np.int64)
    for t, row in enumerate(u):
        if resets(neuron, t + 1):
            v = np.zeros_like(v)
        v = fixed.saturate(fixed.decay(v, neuron["dv"]) + row + drive, LIMIT)
        spikes = (v > np.array(neuron["vth"]) * 64).astype(np.int64)
        if "vth_lo" in neuron:
            spikes -= v < neuron["vth_lo"] * 64
        v = np.where(spikes != 0, 0, v)
        np.testing.assert_array_equal(spikes, neuron["s"][t])
        if "v" in neuron:
            np.testing.assert_array_equal(v, neuron["v"][t])


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.__name__.split(".")[-1])
@pytest.mark.parametrize(
    "neuron",
    [n for n in RECORDINGS["neurons"] if n["process"] == "LIF"],
    ids=lambda n: f"{n['du']}-{n['dv']}",
)
def test_engines_fire_as_lava(engine, neuron):
    u = currents(neuron)
    theta = ints(np.broadcast_to(neuron["vth"], u.shape[1:]).reshape(-1, 1, 1) * 64)
    model = IntegerNeuron(
        levels=(theta,),
        amounts=(theta,),
        delta=ints([[[neuron["dv"]]]]),
        reset=Reset.ZERO,
        late_reset=False,
        emits=Emits.SPIKE,
    )
    got = outputs(engine, model, u[:, :, None, None], bias=biases(neuron).reshape(-1, 1, 1))
    np.testing.assert_array_equal(got.reshape(u.shape), neuron["s"])


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.__name__.split(".")[-1])
@pytest.mark.parametrize(
    "synapse",
    RECORDINGS["synapses"],
    ids=lambda s: f"{s['process']}-{s['weight_exp']}-{s['num_weight_bits']}",
)
def test_dense_synapses(engine, synapse):
    spikes, weight, exponent = (
        messages(synapse, synapse["s_in"]),
        lava_weights(synapse),
        synapse["weight_exp"],
    )
    got = outputs(
        engine,
        RELAY,
        spikes[:, :, None, None],
        Dense(),
        weight,
        shape=(len(weight), 1, 1),
        exponent=max(0, exponent),
    )
    # A negative exponent shifts the sum down, to the lower integer: nothing that our projections do.
    got = got.reshape(len(spikes), -1).astype(np.int64) >> max(0, -exponent)
    np.testing.assert_array_equal(got[:-1], synapse["a_out"][1:])


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.__name__.split(".")[-1])
@pytest.mark.parametrize(
    "synapse", RECORDINGS["convs"], ids=lambda s: f"{s['stride']}-{s['groups']}-{s['dilation']}"
)
def test_convolutions(engine, synapse):
    spikes, expected = messages(synapse, synapse["s_in_TCHW"]), np.array(synapse["a_out_TCHW"])
    kernel = Conv(
        stride=tuple(synapse["stride"]),
        padding=tuple(synapse["padding"]),
        dilation=tuple(synapse["dilation"]),
        groups=synapse["groups"],
    )
    weight = np.array(synapse["weight_torch_OIHW"])
    got = outputs(engine, RELAY, spikes, kernel, weight, shape=expected.shape[1:])
    np.testing.assert_array_equal(got[:-1], expected[1:])


def outputs(engine, model: IntegerNeuron, frames: np.ndarray, *args, **more) -> np.ndarray:
    """[T, C, H, W] of one population that one sample drives."""
    values = ints(frames[:, None])
    qc = one_population(model, values, *args, **more)
    return engine.run(qc, InputData(kind=InputKind.FRAMES, values=values)).outputs["n"][:, 0]


def lava_weights(synapse: dict) -> np.ndarray:
    """What Lava makes of the weights that it is given: sign mode, clip, low bits dropped."""
    w = np.trunc(np.array(synapse["weights"])).astype(np.int64)
    mixed, inhibitory = w.min() < 0 < w.max(), w.max() <= 0
    w = np.clip(-w if inhibitory else w, -256 if mixed else 0, 255)
    drop = 8 - synapse["num_weight_bits"] + int(mixed)
    w = (w >> drop) << drop
    return -w if inhibitory else w


def messages(synapse: dict, sent: list) -> np.ndarray:
    values = np.array(sent, np.int64)
    return values if synapse["num_message_bits"] else (values != 0).astype(np.int64)
