"""`inspect` says of every option where its value comes from."""

import numpy as np
import pytest

from snn2chip.model import ModelRequest
from snn2chip.stages.inspect import inspect_model
from tests.readers.checkpoints import images, save, small
from tests.readers.nir_files import small as small_nir


def options_of(**request: object) -> set[str]:
    found = inspect_model(ModelRequest(**request)).lines()  # pyright: ignore[reportArgumentType]
    return {line.removeprefix("option ") for line in found if line.startswith("option ")}


@pytest.fixture
def path(tmp_path):
    return save(tmp_path / "c.pth", small().state_dict(), {"connect_f": "ADD", "T": 4})


def test_the_file_the_default_and_the_command_line(path):
    found = options_of(path=path, shape=(1, 8, 8), options={"v_threshold": 1.0})
    assert "connect_f = ADD (args of the file)" in found
    assert "v_threshold = 1.0 (--option)" in found
    assert "v_reset = 0.0 (default)" in found
    assert "T = 4 (args of the file)" in found


def test_where_the_number_of_steps_comes_from(tmp_path, path):
    bare = save(tmp_path / "bare.pth", small().state_dict(), {"connect_f": "ADD"})
    assert "T = 4 (default)" in options_of(path=bare, shape=(1, 8, 8))
    assert "T = 2 (--steps)" in options_of(path=path, shape=(1, 8, 8), steps=2)
    assert "T = 2 (--option)" in options_of(path=path, shape=(1, 8, 8), options={"T": 2})
    frames = np.stack([images().numpy()] * 3)
    np.save(tmp_path / "x.npy", frames)
    assert "T = 3 (the input)" in options_of(path=path, input_path=str(tmp_path / "x.npy"))


def test_an_option_by_another_name_is_the_users(path):
    bare = {"path": path, "shape": (1, 8, 8)}
    assert "connect_f = ADD (--option)" in options_of(**bare, options={"cnf": "ADD"})


def test_options_of_a_nir_file(tmp_path):
    path = str(small_nir(tmp_path / "net.nir"))
    found = options_of(path=path, convention="norse,dt=1.0", steps=4)
    assert "steps = 4 (--steps)" in found
    assert any(line.endswith(" (--convention)") for line in found)
