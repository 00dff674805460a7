"""Array files and layouts: what is read, how axes are ordered, and what is refused."""

import os

import numpy as np
import pytest

from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import (
    LAYOUTS,
    Layout,
    arrange,
    guess_layout,
    load_array,
    parse_layout,
    pixels_note,
)
from snn2chip.network.types import InputKind

STATIC, FRAMES = InputKind.STATIC, InputKind.FRAMES


class Evil:
    def __init__(self, folder):
        self.path = str(folder / "marker")

    def __reduce__(self):
        return os.mkdir, (self.path,)


def refused(call, *arguments, **more):
    with pytest.raises(Snn2ChipError) as caught:
        call(*arguments, **more)
    assert caught.value.exit_status == 2
    return str(caught.value)


def count(*shape):
    return np.arange(np.prod(shape)).reshape(shape)


def test_layouts():
    assert LAYOUTS == ("NCHW", "TNCHW", "NTCHW", "TCHW", "TN-CHW", "NT-CHW")
    assert parse_layout("TN-CHW") is Layout.TN_CHW
    assert "did you mean 'TNCHW'?" in refused(parse_layout, "tnchw")
    assert all(name in refused(parse_layout, "CHWN") for name in LAYOUTS)


def test_static_images():
    x = count(2, 3, 4, 5)
    data = arrange(x, "NCHW", STATIC, (3, 4, 5), 7)
    assert (data.kind, data.samples, data.frame, data.steps) == (STATIC, 2, (3, 4, 5), None)
    assert data.values.dtype == np.float64
    assert not data.values.flags.writeable
    assert np.array_equal(data.at(5), x)


def test_frames_step_first():
    x = count(4, 2, 3, 5, 5)
    data = arrange(x, "TNCHW")
    assert (data.kind, data.samples, data.steps) == (FRAMES, 2, 4)
    assert np.array_equal(data.at(3), x[3])


def test_frames_sample_first():
    x = count(2, 4, 3, 5, 5)
    assert np.array_equal(arrange(x, "NTCHW").at(3), x[:, 3])


def test_frames_of_one_sample():
    x = count(4, 3, 5, 5)
    data = arrange(x, "TCHW")
    assert (data.samples, data.steps) == (1, 4)
    assert np.array_equal(data.at(2)[0], x[2])


def test_steps_and_samples_in_one_axis():
    x = count(4, 2, 3, 5, 5)
    assert np.array_equal(arrange(x.reshape(8, 3, 5, 5), "TN-CHW", steps=4).values, x)
    by_sample = x.swapaxes(0, 1).reshape(8, 3, 5, 5)
    assert np.array_equal(arrange(by_sample, "NT-CHW", steps=4).values, x)
    assert "--steps" in refused(arrange, x.reshape(8, 3, 5, 5), "TN-CHW")
    assert "multiple of T = 3" in refused(arrange, x.reshape(8, 3, 5, 5), "TN-CHW", steps=3)


def test_vectors_may_leave_rows_and_columns_away():
    x = count(4, 2, 3)
    assert arrange(x, None, FRAMES, (3, 1, 1)).values.shape == (4, 2, 3, 1, 1)
    assert arrange(x[0], "NCHW", STATIC, (3, 1, 1)).values.shape == (2, 3, 1, 1)


def test_a_layout_is_guessed_from_the_rank_and_said():
    assert guess_layout(count(2, 3, 4, 4))[0] is Layout.NCHW
    assert guess_layout(count(2, 3, 4, 4), FRAMES)[0] is Layout.TCHW
    layout, sentence = guess_layout(count(4, 2, 3, 4, 4))
    assert layout is Layout.TNCHW
    assert "TNCHW" in sentence
    assert "NCHW" in refused(guess_layout, count(4, 4))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((count(3, 4, 4), "NCHW"), ["rank", "3x4x4", "4 axes"]),
        ((count(2, 3, 4, 4), "TNCHW"), ["rank", "5 axes"]),
        ((count(2, 2, 4, 4), "NCHW", STATIC, (3, 4, 4)), ["channels", "2x4x4", "3x4x4"]),
        ((count(2, 4, 4, 3), "NCHW", STATIC, (3, 4, 4)), ["channels", "x.transpose(0, 3, 1, 2)"]),
        ((count(2, 4, 4, 2), "NCHW", STATIC, (3, 4, 4)), ["channels", "is --layout right?"]),
        (
            (count(5, 2, 4, 4, 3), "TNCHW", FRAMES, (3, 4, 4)),
            ["channels", "numpy.moveaxis(x, -1, -3)"],
        ),
        ((count(2, 3, 4, 5), "NCHW", STATIC, (3, 4, 4)), ["shape", "3x4x5", "3x4x4"]),
        ((count(2, 3, 4, 4), "NCHW", FRAMES), ["one frame per step", "TNCHW | NTCHW"]),
        ((count(4, 2, 3, 4, 4), "TNCHW", STATIC), ["one image for all steps", "NCHW"]),
        ((count(4, 2, 3, 4, 4), "TNCHW", FRAMES, None, 5), ["T = 4", "T = 5"]),
    ],
)
def test_what_does_not_fit(arguments, says):
    text = refused(arrange, *arguments)
    assert all(words in text for words in says), text


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float64, bool])
def test_numbers_are_read_as_they_are(tmp_path, dtype):
    x = np.ones((2, 3), dtype)
    np.save(tmp_path / "x.npy", x)
    found = load_array(tmp_path / "x.npy")
    assert found.dtype == dtype
    assert np.array_equal(found, x)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.array(["a", "b"]), "<U1"),
        (np.ones(2, complex), "complex"),
        (np.array([0.0, np.nan, np.inf]), "nan at [1]"),
        (np.ones((0, 3)), "no samples"),
    ],
)
def test_arrays_that_are_refused(tmp_path, array, says):
    np.save(tmp_path / "bad.npy", array)
    text = refused(load_array, tmp_path / "bad.npy")
    assert "bad.npy" in text
    assert says in text


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "bad.npy", np.array([Evil(tmp_path), 1], object), allow_pickle=True)
    assert "never unpickled" in refused(load_array, tmp_path / "bad.npy")
    assert not (tmp_path / "marker").exists()


def test_files_that_are_no_arrays(tmp_path):
    path = tmp_path / "bad.npy"
    assert "no such file" in refused(load_array, path)
    assert "bad.npy" in refused(load_array, tmp_path / "bad.npy")
    path.write_text("1,2,3\n")
    assert "no .npy file" in refused(load_array, path)
    np.save(path, np.ones((4, 4)))
    path.write_bytes(path.read_bytes()[:-60])
    assert "cut short" in refused(load_array, path)
    path.write_bytes(b"")
    assert "bad.npy" in refused(load_array, path)
    np.savez(tmp_path / "bad.npz", x=np.ones(2))
    assert "no .npy file" in refused(load_array, tmp_path / "bad.npz")
    assert "directory" in refused(load_array, tmp_path)


@pytest.mark.parametrize(
    ("values", "noted"),
    [
        (np.array([0, 200], np.uint8), True),
        (np.array([3.0, 255.0]), True),
        (np.array([0, 1], np.uint8), False),
        (np.array([0.5, 255.0]), False),
        (np.array([-1, 255]), False),
        (np.array([0, 256]), False),
    ],
)
def test_pixels_of_eight_bits_are_noted(values, noted):
    assert bool(pixels_note(values)) == noted
