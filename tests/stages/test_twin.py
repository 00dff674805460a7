"""`twin` writes a checkpoint like the source, and needs the source for it."""

import shutil
from pathlib import Path

import pytest

from snn2chip.cli.main import main
from snn2chip.readers.checkpoint import load_container
from tests.cases.paths import CASES

DIGITS = Path(__file__).parents[2] / "examples" / "data" / "digits.pth"


@pytest.fixture
def source(tmp_path, capsys):
    """The checkpoint that `tmp_path`/build was made from."""
    shutil.copy(DIGITS, tmp_path / "net.pth")
    words = ["compile", str(tmp_path / "net.pth"), "--shape", "1,8,8"]
    assert main([*words, "--out", str(tmp_path / "build")]) == 0
    capsys.readouterr()
    return tmp_path / "net.pth"


def twin(folder):
    return main(["twin", str(folder / "build"), "-o", str(folder / "twin.pth")])


def test_a_twin_has_the_names_of_its_source(tmp_path, source, capsys):
    assert twin(tmp_path) == 0
    said = f"twin checkpoint in the layout of sew_resnet: {tmp_path / 'twin.pth'}\n"
    assert capsys.readouterr().out == said
    assert [*load_container(tmp_path / "twin.pth").tensors] == [*load_container(source).tensors]


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"another")])
def test_a_source_that_is_gone_or_changed(tmp_path, source, change, capsys):
    change(source)
    assert twin(tmp_path) == 2
    said = f"error[twin-source] {source}: the source of this build is gone or changed"
    assert said in capsys.readouterr().err
    assert not (tmp_path / "twin.pth").exists()


def test_a_nir_file_has_no_authors_layout(tmp_path, capsys):
    model = str(CASES / "nir" / "spikingjelly_lif" / "model.nir")
    words = ["compile", model, "--convention", "spikingjelly", "--steps", "4"]
    assert main([*words, "--out", str(tmp_path / "build")]) == 0
    assert twin(tmp_path) == 2
    said = "error[twin-layout] nir: this system's layout cannot say the quantized network"
    assert said in capsys.readouterr().err
    assert not (tmp_path / "twin.pth").exists()
