"""The engine on what Lava recorded elsewhere (tests/data/lava_recordings.json): the same values, from Lava again."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip import fixed
from snn2chip.arrays import ints
from snn2chip.circuit.types import Conv, Dense, InputKind
from snn2chip.engines.lava import engine
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import IntegerNeuron
from tests.engines import test_lava_recordings as recorded
from tests.engines.one_population import RELAY, one_population

pytestmark = pytest.mark.usefixtures("lava")


def lif(neuron: dict):
    """(job, spikes) of a recorded LIF."""
    u = recorded.currents(neuron)
    theta = ints(np.broadcast_to(neuron["vth"], u.shape[1:]).reshape(-1, 1, 1) * 64)
    model = IntegerNeuron(
        levels=(theta,),
        amounts=(theta,),
        delta=ints([[[neuron["dv"]]]]),
        reset=Reset.ZERO,
        late_reset=False,
        emits=Emits.SPIKE,
    )
    bias = recorded.biases(neuron).reshape(-1, 1, 1)
    return job(model, u[:, :, None, None], bias=bias), np.array(neuron["s"])


def dense(synapse: dict):
    """(job, currents) of a recorded Dense or Sparse whose exponent is not negative."""
    spikes = recorded.messages(synapse, synapse["s_in"])[:, :, None, None]
    weight = recorded.lava_weights(synapse)
    more = {"shape": (len(weight), 1, 1), "exponent": synapse["weight_exp"]}
    return job(RELAY, spikes, Dense(), weight, **more), np.array(synapse["a_out"])


def convolution(synapse: dict):
    """(job, currents) of a recorded Conv."""
    spikes, expected = recorded.messages(synapse, synapse["s_in_TCHW"]), synapse["a_out_TCHW"]
    kernel = Conv(
        stride=tuple(synapse["stride"]),
        padding=tuple(synapse["padding"]),
        dilation=tuple(synapse["dilation"]),
        groups=synapse["groups"],
    )
    weight = np.array(synapse["weight_torch_OIHW"])
    return job(RELAY, spikes, kernel, weight, shape=np.shape(expected)[1:]), np.array(expected)


def job(model: IntegerNeuron, frames: np.ndarray, *args, **more):
    values = ints(frames[:, None])
    qc = one_population(model, values, *args, **more)
    bits = fixed.signed_bits(int(values.min()), int(values.max()))
    return replace(qc, input=replace(qc.input, bits=bits)), InputData(
        kind=InputKind.FRAMES, values=values
    )


def test_every_recording():
    told = recorded.RECORDINGS
    neurons = [lif(n) for n in told["neurons"] if n["process"] == "LIF"]
    synapses = [dense(s) for s in told["synapses"] if s["weight_exp"] >= 0]
    synapses += [convolution(s) for s in told["convs"]]
    assert len(neurons) >= 5 and len(synapses) >= 8
    runs = engine.run_many([j for j, _ in (*neurons, *synapses)])
    for got, (_, spikes) in zip(runs[: len(neurons)], neurons, strict=True):
        np.testing.assert_array_equal(got.outputs["n"].reshape(spikes.shape), spikes)
    for got, (_, currents) in zip(runs[len(neurons) :], synapses, strict=True):
        # Recorded behind the synapse, which sends what it summed in the step before.
        np.testing.assert_array_equal(got.outputs["n"][:-1, 0].squeeze(), currents[1:].squeeze())
