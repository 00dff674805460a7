"""Other spellings of the same keys: what a tensor is, its shape and its siblings tell."""

import re

import numpy as np
import pytest
import torch

from snn2chip.network.engine import run
from snn2chip.readers.checkpoint import load_container
from snn2chip.readers.spelling import with_containers, with_wrappers
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.readers.recorded import differing
from tests.readers.test_sew_resnet import load, refused


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pth"


def respelt_case(name, path, spell):
    """The case's checkpoint under other keys, read with the case's input."""
    case = casegen.read_case(CASES / name)
    state, x, _ = casegen.load_case(CASES / name)
    tensors = {spell(k): torch.from_numpy(np.array(v)) for k, v in state.items()}
    torch.save(tensors, path)
    options = {**case["cli"]["options"], **args_of(name)}
    return load(str(path), x, layout=case["input"]["layout"], options=options)


def args_of(name):
    """What the container of the case says, which bare state dicts do not."""
    return {"connect_f": "ADD"} if name.startswith("dvs") else {}


@pytest.mark.parametrize("name", ["dvsgesture_7b_natural", "dvsgesture_sew_add"])
def test_frames_networks_of_later_spikingjelly(path, name):
    model = respelt_case(name, path, lambda k: k.replace(".module.", "."))
    assert model.inputs is not None
    assert differing(name, run(model.network, model.inputs).outputs) == []
    assert model.network.provenance.unused[0].startswith("15 × *.num_batches_tracked")


def test_wrappers_of_any_name(path):
    """The wrapper classes of one repository as another might call them: norms under conv, convolutions under bn."""
    swap = {"bn": "conv", "pool": "bn", "conv": "op"}

    def spell(key):
        return re.sub(r"\.(bn|pool|conv)\.(?=\w+$)", lambda m: f".{swap[m[1]]}.", key)

    model = respelt_case("guo_mpbn_res20m_exact", path, spell)
    assert model.inputs is not None
    outputs = run(model.network, model.inputs).outputs
    assert differing("guo_mpbn_res20m_exact", outputs) == []


def test_errors_name_the_key_of_the_file(path):
    state, x, _ = casegen.load_case(CASES / "dvsgesture_7b_natural")
    tensors = {k.replace(".module.", "."): torch.from_numpy(np.array(v)) for k, v in state.items()}
    tensors["conv.3.conv.0.0.1.weight"] = torch.ones(3)
    torch.save(tensors, path)
    options = casegen.read_case(CASES / "dvsgesture_7b_natural")["cli"]["options"]
    options |= {"connect_f": "ADD"}
    says = refused(str(path), x=x, layout="NTCHW", options=options)
    assert "conv.3.conv.0.0.1.weight" in says and "has another shape" in says


def test_what_is_spelt_as_known_stays(path):
    casegen.save_checkpoint(CASES / "dvsgesture_7b_natural", path)
    container = load_container(path)
    assert with_containers(container) is container
    casegen.save_checkpoint(CASES / "guo_mpbn_res20m_exact", path)
    container = load_container(path)
    assert list(with_wrappers(container).tensors) == list(container.tensors)


def test_one_tensor_twice_under_two_wrappers_is_refused(path):
    state, x, _ = casegen.load_case(CASES / "guo_mpbn_res20m_exact")
    tensors = {k: torch.from_numpy(np.array(v)) for k, v in state.items()}
    tensors["model.fc.op.weight"] = tensors["model.fc.conv.weight"]
    torch.save(tensors, path)
    says = refused(str(path), x=x, options={"step": 4})
    assert "model.fc.op.weight" in says and "same tensor" in says
