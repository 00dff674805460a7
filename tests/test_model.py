"""One model from a file and what the user says: dispatch, input, assumptions."""

import numpy as np
import pytest

from snn2chip.errors import Snn2ChipError
from snn2chip.model import ModelRequest, load_model
from snn2chip.network.engine import run
from snn2chip.network.types import InputKind
from tests.cases.paths import CASES
from tests.readers.checkpoints import ARGS, images, save, small

NIR = CASES / "nir" / "spikingjelly_lif"


def refused(**request):
    with pytest.raises(Snn2ChipError) as caught:
        load_model(ModelRequest(**request))
    assert caught.value.exit_status == 2
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "x.npy", images().numpy())
    return save(tmp_path / "c.pth", small().state_dict(), ARGS)


def test_a_checkpoint_with_its_input(tmp_path, path):
    model = load_model(ModelRequest(path=path, input_path=str(tmp_path / "x.npy"), layout="NCHW"))
    assert model.network.input.shape == (1, 8, 8)
    assert model.inputs is not None
    assert model.inputs.samples == 2
    assert model.zoo is not None
    assert model.write_twin is not None
    assert not any("layout" in line for line in model.network.provenance.assumed)


def test_a_guessed_layout_is_an_assumption(tmp_path, path):
    model = load_model(ModelRequest(path=path, input_path=str(tmp_path / "x.npy")))
    assert model.network.provenance.assumed[-1].startswith("layout NCHW")


def test_an_input_is_not_needed(path):
    model = load_model(ModelRequest(path=path, shape=(1, 8, 8)))
    assert model.inputs is None
    assert model.network.input.kind is InputKind.STATIC


def test_provenance_knows_the_file(path):
    provenance = load_model(ModelRequest(path=path, shape=(1, 8, 8))).network.provenance
    assert provenance.path == path
    assert len(provenance.sha256) == 64
    assert provenance.options["connect_f"] == "ADD"


def test_a_nir_file_whatever_it_is_called(tmp_path):
    case_input = np.load(NIR / "input.npz")["x"]
    np.save(tmp_path / "x.npy", case_input)
    (tmp_path / "net.bin").write_bytes((NIR / "model.nir").read_bytes())
    request = ModelRequest(
        path=str(tmp_path / "net.bin"),
        convention="spikingjelly",
        input_path=str(tmp_path / "x.npy"),
        layout="TNCHW",
    )
    model = load_model(request)
    assert model.network.provenance.system == "nir"
    assert model.network.steps == len(case_input)
    assert (model.zoo, model.write_twin) == (None, None)
    assert model.inputs is not None
    assert run(model.network, model.inputs).outputs


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"path": "nowhere.pth"}, "nowhere.pth"),
        ({"path": "nowhere.nir", "steps": 4}, "nowhere.nir"),
        ({"path": str(NIR / "model.nir"), "steps": 4, "options": {"T": 3}}, "is a .nir file"),
        ({"path": str(NIR / "model.nir"), "steps": 4, "arch": "sew_resnet18"}, "is a .nir file"),
        ({"path": "x.pth", "steps": 0}, "T = 0"),
        ({"path": "x.pth", "steps": 1.5}, "T = 1.5"),
        ({"path": "x.pth", "input_path": "nowhere.npy"}, "nowhere.npy"),
    ],
)
def test_refused(request_, says):
    assert says in refused(**request_)


def test_input_that_does_not_fit(tmp_path, path):
    x = str(tmp_path / "x.npy")
    np.save(x, np.zeros((2, 3, 8, 8)))
    assert "conv1.weight" in refused(path=path, input_path=x)
    assert "CHWN" in refused(path=path, input_path=x, layout="CHWN")
    assert "3x8x8" in refused(path=path, input_path=x, shape=(1, 8, 8))
    np.save(x, np.zeros((2, 2, 1, 8, 8)))
    assert "disagree" in refused(path=path, input_path=x, options={"T": 3})
    assert "T = 3" in refused(path=path, input_path=x, steps=3)


def test_a_convention_is_for_nir_files(path):
    assert ".nir" in refused(path=path, shape=(1, 8, 8), convention="norse")


def test_pixels_are_taken_as_they_are_and_that_is_said(tmp_path, path):
    pixels = (images().numpy() * 0 + 255).astype(np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    model = load_model(
        ModelRequest(path=path, input_path=str(tmp_path / "pixels.npy"), layout="NCHW")
    )
    assert model.inputs is not None
    assert model.inputs.values.max() == 255
    assert model.network.provenance.assumed[-1] == (
        "input of whole numbers 255 … 255 (uint8), taken as they are: never rescaled"
    )


def test_channels_that_come_last_are_noticed(tmp_path, path):
    np.save(tmp_path / "last.npy", images().numpy().transpose(0, 2, 3, 1))
    said = refused(path=path, input_path=str(tmp_path / "last.npy"))
    assert "transpose it to NCHW, x.transpose(0, 3, 1, 2)" in said
