"""Twins: a network on the grid, written back in its own layout, fires as before; the rest is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from snn2chip.arrays import floats, ints
from snn2chip.errors import StatementError
from snn2chip.lowering import lower
from snn2chip.model import LoadedModel, ModelRequest, load_model
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.checkpoint import load_container
from snn2chip.zoo.run import run_zoo
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.readers.checkpoints import ARGS, images, respelt, save, small, small_plain
from tests.readers.on_grid import on_grid, with_population

SHAPE = (1, 8, 8)


def write(model: LoadedModel, qc: QuantizedCircuit, path: Path) -> None:
    assert model.write_twin is not None
    model.write_twin(qc, path)


def twin_of(path, folder, **request):
    """(model, its quantized circuit, the twin loaded like the model)."""
    model = load_model(ModelRequest(path=path, shape=SHAPE, **request))
    qc = on_grid(lower(model.network).circuit)
    write(model, qc, folder / "twin.pth")
    return (
        model,
        qc,
        load_model(ModelRequest(path=str(folder / "twin.pth"), shape=SHAPE, **request)),
    )


def fired(model: LoadedModel, x):
    """(trace, logits) of the model's module."""
    assert model.zoo is not None
    return run_zoo(model.zoo(), x)


def fire_alike(model, twin, x=None):
    x = images().numpy() if x is None else x
    ours, logits = fired(model, x)
    theirs, twin_logits = fired(twin, x)
    assert set(ours) == set(theirs)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert np.array_equal(logits, twin_logits)
    assert all(spikes.any() for spikes in ours.values())


@pytest.mark.parametrize("connect_f", ["ADD", "IAND"])
def test_sew(tmp_path, connect_f):
    path = save(
        tmp_path / "c.pth", small(connect_f, (2, 1)).state_dict(), ARGS | {"connect_f": connect_f}
    )
    model, _, twin = twin_of(path, tmp_path)
    fire_alike(model, twin)


def test_plain(tmp_path):
    path = save(
        tmp_path / "c.pth",
        small_plain().state_dict(),
        {"T": 4, "stem_stride": 1, "stem_pool": False},
    )
    fire_alike(*twin_of(path, tmp_path)[::2])


def test_leaky_neurons_in_spikingjellys_spelling(tmp_path):
    path = save(tmp_path / "c.pth", respelt(small().state_dict(), "spikingjelly"))
    options = {"cnf": "ADD", "neuron": "LIFNode", "stem_stride": 1, "stem_pool": False}
    model, _, twin = twin_of(path, tmp_path, arch="sew_resnet", options=options)
    ours, theirs = (fired(m, images().numpy())[0] for m in (model, twin))
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_recorded_case_fires_as_recorded(tmp_path):
    case = CASES / "spiking_resnet18_32"
    casegen.save_checkpoint(case, tmp_path / "c.pth")
    _, x, _ = casegen.load_case(case)
    np.save(tmp_path / "x.npy", x)
    request = ModelRequest(path=str(tmp_path / "c.pth"), input_path=str(tmp_path / "x.npy"))
    model = load_model(request)
    write(model, on_grid(lower(model.network).circuit), tmp_path / "twin.pth")
    twin = load_model(replace(request, path=str(tmp_path / "twin.pth")))
    assert casegen.compare(case, fired(twin, x)[0]) == []


def test_the_layout_is_the_files(tmp_path):
    state = {f"module.{k}": v for k, v in respelt(small().state_dict(), "new_sj").items()}
    path = save(tmp_path / "c.pth", state, ARGS)
    _, qc, twin = twin_of(path, tmp_path)
    before, after = load_container(path), load_container(tmp_path / "twin.pth")
    assert (after.key, after.prefixed, list(after.tensors)) == ("model", True, list(before.tensors))
    assert {k: v.dtype for k, v in after.tensors.items()} == {
        k: v.dtype for k, v in before.tensors.items()
    }
    assert after.args == dict(before.args) | {"v_threshold": 1.0}
    assert (
        twin.network.provenance.options
        == load_model(ModelRequest(path=path, shape=SHAPE)).network.provenance.options
    )
    weight = next(q for q in qc.projections if q.name == "layer1.0.conv1.0").weight
    assert np.array_equal(after.tensors["layer1.0.conv1.0.weight"], weight)
    assert set(after.tensors["layer1.0.conv1.1.running_var"].tolist()) == {2.0**40}


def test_same_circuit_same_bytes(tmp_path):
    path = save(tmp_path / "c.pth", small().state_dict(), ARGS)
    model, qc, _ = twin_of(path, tmp_path)
    write(model, qc, tmp_path / "again.pth")
    assert (tmp_path / "again.pth").read_bytes() == (tmp_path / "twin.pth").read_bytes()


def test_a_coarse_threshold_that_fires_the_same_is_kept(tmp_path):
    path = save(tmp_path / "c.pth", small().state_dict(), ARGS)
    model, qc, _ = twin_of(path, tmp_path)
    # Membranes are multiples of 2^f = 4, so θ = 1.0 - 4 units fires where 1.0 does.
    coarse = replace(
        qc.population("sn1").neuron, levels=(ints(qc.population("sn1").neuron.levels[0] - 3),)
    )
    write(model, with_population(qc, "sn1", neuron=coarse), tmp_path / "coarse.pth")
    assert (
        load_container(tmp_path / "coarse.pth").tensors.keys()
        == load_container(tmp_path / "twin.pth").tensors.keys()
    )


def changed_neuron(qc, **changes):
    return with_population(qc, "sn1", neuron=replace(qc.population("sn1").neuron, **changes))


def scaled(qc, name, factor):
    return with_population(qc, name, scale=floats(qc.population(name).scale * factor))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda qc: changed_neuron(qc, levels=(ints([[[5]]]),)), "threshold"),
        (lambda qc: changed_neuron(qc, delta=ints([[[1]]])), "decay"),
        (lambda qc: changed_neuron(qc, v_min=0), "floor"),
        (lambda qc: scaled(qc, "sn1", 3.0), "threshold"),
        (
            lambda qc: with_population(qc, "sn1", bias=ints(np.arange(256).reshape(4, 8, 8))),
            "bias differs",
        ),
        (lambda qc: with_population(qc, "fc", bias=ints(np.full((3, 1, 1), 2**25 + 1))), "float32"),
        (lambda qc: replace(qc, input=replace(qc.input, scale=0.1)), "power of two"),
        (lambda qc: replace(qc, populations=qc.populations[1:]), "no population"),
        (lambda qc: replace(qc, projections=qc.projections[1:]), "no projection"),
    ],
)
def test_what_the_layout_cannot_say_is_refused(tmp_path, change, says):
    path = save(tmp_path / "c.pth", small().state_dict(), ARGS)
    model, qc, _ = twin_of(path, tmp_path)
    with pytest.raises(StatementError, match=says):
        write(model, change(qc), tmp_path / "other.pth")
    assert not (tmp_path / "other.pth").exists()


def test_a_shortcut_of_another_weight_is_refused(tmp_path):
    path = save(
        tmp_path / "c.pth",
        small_plain().state_dict(),
        {"T": 4, "stem_stride": 1, "stem_pool": False},
    )
    model, qc, _ = twin_of(path, tmp_path)
    doubled = tuple(
        replace(q, weight=ints(q.weight * 2)) if q.name.endswith("#in") else q
        for q in qc.projections
    )
    with pytest.raises(StatementError, match="shortcut has another weight"):
        write(model, replace(qc, projections=doubled), tmp_path / "other.pth")


NEURONS = (
    "sn1",
    "layer1.0.sn1",
    "layer1.0.sn2",
    "layer2.0.sn1",
    "layer2.0.sn2",
    "layer2.0.downsample_sn",
)


def learned(tmp_path, w):
    state = respelt(small().state_dict(), "spikingjelly")
    return save(tmp_path / "c.pth", state | {f"{n}.w": torch.tensor(w) for n in NEURONS}, ARGS)


def test_learned_decays(tmp_path):
    model, _, twin = twin_of(learned(tmp_path, 0.0), tmp_path)
    ours, theirs = (fired(m, images().numpy())[0] for m in (model, twin))
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert any(spikes.any() for spikes in ours.values())


def test_a_learned_decay_is_the_chips_or_a_caveat_says_so(tmp_path):
    model = load_model(ModelRequest(path=learned(tmp_path, 0.0), shape=SHAPE))
    qc = on_grid(lower(model.network).circuit)
    assert model.write_twin is not None
    assert model.write_twin(qc, tmp_path / "exact.pth") == ()
    odd = replace(qc.population("sn1").neuron, delta=ints(np.full((4, 1, 1), 1000)))
    caveats = model.write_twin(with_population(qc, "sn1", neuron=odd), tmp_path / "twin.pth")
    assert len(caveats) == 1 and "sn1: its learned decay rounds" in caveats[0]
    w = load_container(tmp_path / "twin.pth").tensors["sn1.w"]
    assert round(4096 / (1 + np.exp(-float(w)))) == 1000


def test_a_learned_decay_of_nothing_is_refused(tmp_path):
    model, qc, _ = twin_of(learned(tmp_path, 0.0), tmp_path)
    with pytest.raises(StatementError, match="none at all"):
        write(model, changed_neuron(qc, delta=ints([[[0]]])), tmp_path / "other.pth")
