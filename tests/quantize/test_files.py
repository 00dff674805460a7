import numpy as np
import pytest

from snn2chip.codec import encode
from snn2chip.errors import Snn2ChipError
from snn2chip.quantize.files import load, save
from tests.engines.random_circuits import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_a_circuit_comes_back_whole(family, tmp_path):
    qc, _ = family(1)
    save(qc, tmp_path / "quantized.npz")
    back = load(tmp_path / "quantized.npz")
    (tree, arrays), (tree_back, arrays_back) = encode(qc), encode(back)
    assert tree == tree_back and arrays.keys() == arrays_back.keys()
    for name, a in arrays.items():
        b = arrays_back[name]
        assert np.array_equal(a, b) and a.dtype == b.dtype and not b.flags.writeable


def test_same_circuit_same_bytes(tmp_path):
    for name in ("a", "b"):
        save(FAMILIES[2](2)[0], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_one_changed_weight_is_caught(tmp_path):
    path = tmp_path / "quantized.npz"
    save(FAMILIES[0](1)[0], path)
    with np.load(path) as z:
        arrays = {k: z[k].copy() for k in z.files}
    arrays["projections.0.weight"].flat[3] ^= 1
    np.savez_compressed(path, **arrays)
    with pytest.raises(Snn2ChipError, match=r"quantized\.npz: content does not match its checksum"):
        load(path)


def test_cut_files_are_refused(tmp_path):
    path = tmp_path / "quantized.npz"
    save(FAMILIES[0](1)[0], path)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(Snn2ChipError, match=r"quantized\.npz: is cut short or garbled"):
        load(path)
