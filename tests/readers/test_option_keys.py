"""Every option key of the authors' codes: who takes it, and what happens to a value that is wrong.

A wrong value is refused where shapes, keys, the input or another option tell; where none can, the network fires other
spikes than the right one, so that a recording or a module tells; what only training uses is said to change nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

from snn2chip.errors import Snn2ChipError
from snn2chip.model import LoadedModel, ModelRequest, load_model
from snn2chip.network.engine import run
from snn2chip.readers.registry import SYSTEMS
from snn2chip.zoo import sew_resnet
from snn2chip.zoo.dvs_resnet import BlockType, Entry, ResNetN
from snn2chip.zoo.guo import GuoResNet
from snn2chip.zoo.ledinauskas_like import LedinauskasLike
from snn2chip.zoo.mlf import MLFResNet
from snn2chip.zoo.model import SpikingNet
from snn2chip.zoo.s_resnet import SResnet
from tests.readers.checkpoints import SMALL_TRUNK, dyadic, small_plain

KEYS = (
    "T", "step", "num_steps", "TimeStep", "connect_f", "cnf", "neuron", "spiking_neuron", "tau", "init_tau",
    "decay_input", "v_threshold", "v_reset", "leak_mem", "boosting", "poisson_gen", "img_size", "n", "nFilters",
    "num_cls", "num_classes", "layer_list", "Vth", "Vth2", "Vth3", "decay", "groups", "width_per_group",
    "replace_stride_with_dilation", "surrogate", "slope",
)  # fmt: skip

LAYERS = [
    {
        "channels": 4,
        "up_kernel_size": 3,
        "mid_channels": 4,
        "num_blocks": 1,
        "block_type": "sew",
        "k_pool": 2,
    }
]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A small checkpoint, what has to be said of it, and the axes of its input."""

    net: Callable[[], SpikingNet]
    options: Mapping[str, object]
    arch: str | None = None
    layout: str = "NCHW"


def sew():
    return sew_resnet.SEWResNet(sew_resnet.Bottleneck, (1, 2), "ADD", **SMALL_TRUNK)


def dvs():
    entry = Entry(
        channels=4,
        up_kernel_size=3,
        mid_channels=4,
        num_blocks=1,
        block_type=BlockType.SEW,
        k_pool=2,
    )
    return ResNetN([entry], 3, features=64, in_channels=1)


STEM = {"stem_stride": 1, "stem_pool": False, "v_threshold": 0.25}
SUBJECTS: dict[str, Subject] = {
    "sew_resnet": Subject(
        net=sew, options={"connect_f": "ADD", "neuron": "LIFNode", "tau": 2.0, **STEM}
    ),
    "spiking_resnet": Subject(net=small_plain, options={"neuron": "LIFNode", "tau": 2.0, **STEM}),
    "sew_resnet_dvs": Subject(net=dvs, options={"connect_f": "ADD"}, layout="NTCHW"),
    "s_resnet": Subject(
        net=lambda: SResnet(1, 4, 4, 0.875, 8, 3, False, in_channels=1),
        options={"leak_mem": 0.875},
    ),
    "mlf_ds_resnet": Subject(
        net=lambda: MLFResNet((1, 1), 3, in_channels=1, width=4),
        options={"Vth": 0.5, "Vth2": 1.5, "Vth3": 2.5},
    ),
    "guo_resnet": Subject(
        net=lambda: GuoResNet((1, 1), 3, in_channels=1, width=4, stem=0), options={}
    ),
    "ledinauskas-like": Subject(
        net=lambda: LedinauskasLike((1, 1), 3, width=4, T=4, in_channels=1),
        options={"T": 4},
        arch="ledinauskas-like",
    ),
}

OTHERS = "other spikes"
TRAINING = "changes nothing"

WRONG: dict[str, tuple[tuple[str, object, str], ...]] = {
    "sew_resnet": (
        ("T", 3, OTHERS),
        ("T", 0, "at least 1"),
        ("connect_f", "AND", OTHERS),
        ("connect_f", "OR", "ADD | AND | IAND"),
        ("cnf", "IAND", OTHERS),
        ("neuron", "IFNode", "is for LIFNode"),
        ("neuron", "ParametricLIFNode", "no sn1.w"),
        ("spiking_neuron", "IFNode", "is for LIFNode"),
        ("tau", 3.0, OTHERS),
        ("tau", 0, "above 0"),
        ("init_tau", 3.0, TRAINING),
        ("init_tau", 0, "above 0"),
        ("decay_input", False, OTHERS),
        ("v_threshold", 2.0, OTHERS),
        ("v_threshold", -1, "above 0"),
        ("v_reset", "none", OTHERS),
        ("v_reset", -1.0, OTHERS),
        ("num_classes", 4, "need 3"),
        ("groups", 2, "need 1"),
        ("width_per_group", 128, "need 64"),
        ("replace_stride_with_dilation", [True], OTHERS),
        ("replace_stride_with_dilation", [True, False], "2 stages"),
        ("surrogate", "ATan", TRAINING),
        ("slope", 25, TRAINING),
        ("slope", -1, "above 0"),
    ),
    "spiking_resnet": (
        ("connect_f", "ADD", "has no connect function"),
        ("replace_stride_with_dilation", [True], "is for Bottleneck"),
        ("v_threshold", 2.0, OTHERS),
        ("T", 3, OTHERS),
    ),
    "sew_resnet_dvs": (
        ("T", 3, "disagree"),
        ("connect_f", "AND", OTHERS),
        ("cnf", "IAND", OTHERS),
        ("init_tau", 3.0, TRAINING),
        ("decay_input", False, OTHERS),
        ("v_threshold", 2.0, OTHERS),
        ("v_reset", -1.0, OTHERS),
        ("num_classes", 11, "need 3"),
        ("layer_list", [{**LAYERS[0], "mid_channels": 3}], "contradicts the keys and shapes"),
        ("layer_list", LAYERS * 2, "does not fit out.weight"),
        ("surrogate", "ATan", TRAINING),
    ),
    "s_resnet": (
        ("T", 3, "batch norms of its own"),
        ("num_steps", 3, "need 4"),
        ("n", 2, "need 1"),
        ("nFilters", 8, "need 4"),
        ("leak_mem", 0.5, OTHERS),
        ("leak_mem", 2, "0 … 1"),
        ("boosting", True, "rows of fc"),
        ("poisson_gen", True, "new random spikes"),
        ("img_size", 16, "have 8 x 8"),
        ("num_cls", 10, "need 3"),
    ),
    "mlf_ds_resnet": (
        ("T", 3, OTHERS),
        ("TimeStep", 3, OTHERS),
        ("Vth", 0.75, OTHERS),
        ("Vth2", 1.0, OTHERS),
        ("Vth3", 2.0, OTHERS),
        ("Vth", 0, "above 0"),
        ("levels", 2, "is a threshold beyond levels=2"),
        ("tau", 0.5, OTHERS),
        ("tau", 2.0, "0 … 1"),
        ("num_classes", 10, "need 3"),
    ),
    "guo_resnet": (
        ("T", 3, OTHERS),
        ("step", 3, OTHERS),
        ("decay", 0.5, OTHERS),
        ("decay", 2, "0 … 1"),
        ("num_classes", 10, "need 3"),
    ),
    "ledinauskas-like": (
        ("T", 3, OTHERS),
        ("decay", 0.5, OTHERS),
        ("decay", 2, "0 … 1"),
        ("num_classes", 10, "need 3"),
        ("surrogate", "fast_sigmoid", TRAINING),
        ("slope", 10, TRAINING),
    ),
}  # fmt: skip

ALIASES = {"cnf": "connect_f", "spiking_neuron": "neuron"}
ROWS = [(name, *row) for name, rows in WRONG.items() for row in rows]


def test_every_key_is_taken_by_a_system_and_has_a_row():
    for key in KEYS:
        assert any(key in s.options for s in SYSTEMS), key
        assert any(key == row[1] for row in ROWS), key
    assert set(WRONG) == set(SUBJECTS) == {s.name for s in SYSTEMS}


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")

    @cache
    def files(system: str) -> tuple[str, str]:
        state = dyadic(SUBJECTS[system].net()).state_dict()
        container = {"s_resnet": "state_dict"}.get(system, "model")
        torch.save(state if system == "guo_resnet" else {container: state}, folder / system)
        frames = (4,) if SUBJECTS[system].layout == "NTCHW" else ()
        x = np.random.default_rng(0).integers(0, 17, (2, *frames, 1, 8, 8)) / 8
        np.save(folder / f"{system}.npy", x.astype(np.float32))
        return str(folder / system), str(folder / f"{system}.npy")

    def of(system: str, **options: object) -> LoadedModel:
        subject = SUBJECTS[system]
        path, x = files(system)
        return load_model(
            ModelRequest(
                path=path,
                arch=subject.arch,
                options=options,
                input_path=x,
                layout=subject.layout,
            )
        )

    return of


@pytest.mark.parametrize(("system", "key", "value", "outcome"), ROWS)
def test_a_wrong_value_shows(read, system, key, value, outcome):
    given = dict(SUBJECTS[system].options)
    wrong = {k: v for k, v in given.items() if k != ALIASES.get(key)} | {key: value}
    if outcome not in (OTHERS, TRAINING):
        with pytest.raises(Snn2ChipError) as e:
            read(system, **wrong)
        assert e.value.exit_status == 2
        assert outcome in str(e.value)
        return
    right, model = read(system, **given), read(system, **wrong)
    fired = [run(m.network, right.inputs).outputs for m in (right, model)]
    assert fired[0].keys() == fired[1].keys() or key in ("connect_f", "cnf")
    same = all(np.array_equal(v, fired[1][k]) for k, v in fired[0].items())
    assert same is (outcome == TRAINING)
    noted = any(f"{key} only matters for training" in a for a in model.network.provenance.assumed)
    assert noted is (outcome == TRAINING)
    assert all(v.any() for k, v in fired[0].items() if "#" not in k)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda s: s.name)
def test_keys_of_other_systems_are_refused_by_name(read, system):
    for key in set(KEYS) - set(system.options):
        with pytest.raises(Snn2ChipError) as e:
            read(system.name, **SUBJECTS[system.name].options, **{key: 1})
        assert f"there is no option '{key}'" in str(e.value)
        assert all(option in str(e.value) for option in system.options)
