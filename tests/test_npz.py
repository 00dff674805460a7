import os
from pathlib import Path

import numpy as np
import pytest

from snn2chip.errors import Snn2ChipError
from snn2chip.npz import load_npz, save_npz

HEADER = {"kind": "thing", "format": 1, "deep": {"b": [1, 2], "a": None}}


def write(path: Path) -> Path:
    arrays = {
        "w layer1.0.conv#1": np.arange(-6, 6).reshape(3, 4).T,
        "empty": np.zeros((0, 3), np.uint8),
        "scalar": np.asarray(0.1),
    }
    save_npz(path, arrays, HEADER)
    return path


def test_what_was_saved_comes_back_read_only(tmp_path):
    arrays, header = load_npz(write(tmp_path / "a.npz"), "thing")
    assert dict(header) == HEADER
    assert np.array_equal(arrays["w layer1.0.conv#1"], np.arange(-6, 6).reshape(3, 4).T)
    assert arrays["empty"].shape == (0, 3) and arrays["scalar"].shape == ()
    assert not any(a.flags.writeable for a in arrays.values())


def test_same_content_gives_same_bytes(tmp_path):
    first = write(tmp_path / "a.npz").read_bytes()
    os.utime(tmp_path / "a.npz", (1, 1))
    assert write(tmp_path / "b.npz").read_bytes() == first


def test_nothing_else_is_left_in_the_folder(tmp_path):
    write(tmp_path / "a.npz")
    write(tmp_path / "a.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("keep", [0, 10, 100, -60, -1])
def test_truncated_is_refused_by_name(tmp_path, keep):
    path = write(tmp_path / "cut.npz")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Snn2ChipError, match=r"cut\.npz"):
        load_npz(path, "thing")


def test_every_flipped_bit_of_the_file_is_refused_or_harmless(tmp_path):
    path = write(tmp_path / "bit.npz")
    good, (arrays, header) = path.read_bytes(), load_npz(path, "thing")
    refused = 0
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 1 << (place % 8)
        path.write_bytes(bad)
        try:
            found, said = load_npz(path, "thing")
        except Snn2ChipError as e:
            refused += 1
            assert "bit.npz" in str(e)
        else:  # a bit of a time stamp or of file attributes
            assert said == header and all(np.array_equal(found[k], arrays[k]) for k in arrays)
    assert refused > len(good) / 2


def test_a_changed_value_does_not_match_the_checksum(tmp_path):
    path = write(tmp_path / "q.npz")
    with np.load(path) as z:
        arrays = {k: z[k].copy() for k in z.files}
    arrays["w layer1.0.conv#1"][0, 0] ^= 1
    np.savez_compressed(path, **arrays)
    with pytest.raises(Snn2ChipError, match=r"q\.npz: content does not match its checksum"):
        load_npz(path, "thing")


def test_other_kind_and_version_are_refused(tmp_path):
    path = write(tmp_path / "a.npz")
    with pytest.raises(Snn2ChipError, match="holds something else"):
        load_npz(path, "recording")
    with pytest.raises(Snn2ChipError, match="another format version"):
        load_npz(path, "thing", version=2)


def test_pickles_and_plain_npz_are_refused(tmp_path):
    path = tmp_path / "p.npz"
    np.savez(path, header=np.array([{"kind": "thing"}], object))
    with pytest.raises(Snn2ChipError, match="garbled"):
        load_npz(path, "thing")
    np.savez(path, x=np.zeros(3))
    with pytest.raises(Snn2ChipError, match="garbled"):
        load_npz(path, "thing")
    with pytest.raises(Snn2ChipError, match=r"nowhere\.npz"):
        load_npz(tmp_path / "nowhere.npz", "thing")
