"""Data sets from local folders: tiny folders in the published formats, and what is wrong with others."""

import os
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snn2chip.errors import Snn2ChipError
from snn2chip.training import datasets
from snn2chip.training.cifar import CIFAR10, CIFAR100
from snn2chip.training.datasets import DataRequest
from snn2chip.training.events import frames_of


def load(name, root, **more):
    return datasets.load(name, DataRequest(root=root, **more))


def refused(name, root, **more):
    with pytest.raises(Snn2ChipError) as e:
        load(name, root, **more)
    assert e.value.exit_status == 2
    return str(e.value)


def rows(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 3072), np.uint8), rng.integers(0, 10, count).tolist()


def python_folder(root: Path, protocol=2) -> Path:
    """As CIFAR-10 is published for Python."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for i, name in enumerate((*CIFAR10.train, *CIFAR10.test)):
        data, labels = rows(4, i)
        tree = {
            b"batch_label": b"x",
            b"labels": labels,
            b"data": data,
            b"filenames": [b"a.png"] * 4,
        }
        (folder / name).write_bytes(pickle.dumps(tree, protocol))
    return folder


def normalised(pixels, kind):
    x = pixels.reshape(-1, 3, 32, 32) / 255
    return (x - np.array(kind.mean)[:, None, None]) / np.array(kind.std)[:, None, None]


@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar10_of_python(tmp_path, protocol):
    folder = python_folder(tmp_path, protocol)
    for place in (tmp_path, folder):
        data = load("cifar10", place)
        assert (len(data.train_x), len(data.test_x), data.classes) == (20, 4, 10)
        assert (data.frame, data.augment) == ((3, 32, 32), True)
        pixels, labels = rows(4, 5)
        assert data.test_y.tolist() == labels
        assert np.allclose(data.test_x, normalised(pixels, CIFAR10), atol=1e-6)


# What Python 2 wrote, as the published files: a str of bytes, an array of numpy.core.multiarray.
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04"
    b"K\x00\x85U\x01b\x87Rq\x05(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07"
    b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x00\x0c\x00\x00"
    + bytes(i % 251 for i in range(3072))
    + b"tbU\x06labelsq\x08]q\tK\x07au."
)


def test_a_pickle_of_python_2(tmp_path):
    folder = python_folder(tmp_path)
    (folder / "test_batch").write_bytes(PYTHON_2)
    data = load("cifar10", tmp_path)
    assert data.test_y.tolist() == [7]
    pixels = np.arange(3072) % 251
    assert np.allclose(data.test_x, normalised(pixels, CIFAR10), atol=1e-6)


def test_cifar10_binary(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for i, name in enumerate((*CIFAR10.train, *CIFAR10.test)):
        data, labels = rows(4, i)
        records = np.concatenate([np.array(labels, np.uint8)[:, None], data], 1)
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    python_folder(tmp_path / "other")
    binary, pickled = load("cifar10", tmp_path), load("cifar10", tmp_path / "other")
    assert np.array_equal(binary.train_x, pickled.train_x)
    assert np.array_equal(binary.test_y, pickled.test_y)


def test_cifar100_in_both_formats(tmp_path):
    for name, seed in (("train", 0), ("test", 1)):
        data, labels = rows(4, seed)
        fine = [10 * y for y in labels]
        tree = {b"coarse_labels": labels, b"fine_labels": fine, b"data": data}
        (tmp_path / name).write_bytes(pickle.dumps(tree, 2))
        both = np.array([labels, fine], np.uint8).T
        folder = tmp_path / "cifar-100-binary"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.bin").write_bytes(np.concatenate([both, data], 1).tobytes())
    binary = load("cifar100", tmp_path)
    for path in (tmp_path / "cifar-100-binary").iterdir():
        path.unlink()
    pickled = load("cifar100", tmp_path)
    assert pickled.classes == 100
    assert pickled.test_y.tolist() == [10 * y for y in rows(4, 1)[1]]
    assert np.array_equal(binary.train_y, pickled.train_y)
    assert np.array_equal(binary.test_x, pickled.test_x)
    assert np.allclose(pickled.train_x, normalised(rows(4)[0], CIFAR100), atol=1e-6)


class Harm:
    def __reduce__(self):
        return os.mkdir, ("harmed",)


def test_code_in_a_data_file_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = python_folder(tmp_path)
    for harm in (
        pickle.dumps({b"data": Harm(), b"labels": [1]}),
        b"cnumpy.testing\nassert_equal\n(K\x01K\x01tR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"c_codecs\nopen\n(S'x'\ntR.",
    ):
        (folder / "test_batch").write_bytes(harm)
        assert "never run" in refused("cifar10", tmp_path)
    assert not (tmp_path / "harmed").exists()


def test_what_is_no_cifar(tmp_path):
    assert "--data-root DIR" in refused("cifar10", None)
    assert "is no folder" in refused("cifar10", tmp_path / "no")
    assert "data_batch_1 is not here" in refused("cifar10", tmp_path)
    folder = python_folder(tmp_path)
    data, labels = rows(4)
    for wrong in (
        b"",
        b"hello",
        pickle.dumps({b"data": data}),
        pickle.dumps({b"data": data[:, :5], b"labels": labels}),
        pickle.dumps({b"data": data / 2, b"labels": labels}),
        pickle.dumps({b"data": data, b"labels": labels[:2]}),
        pickle.dumps([data]),
        pickle.dumps({b"data": data, b"labels": labels})[:-40],
    ):
        (folder / "data_batch_3").write_bytes(wrong)
        assert "data_batch_3: is damaged" in refused("cifar10", tmp_path)
    (folder / "data_batch_3").write_bytes(pickle.dumps({b"data": data, b"labels": [10] * 4}))
    assert "no class" in refused("cifar10", tmp_path)
    for name in (*CIFAR10.train, *CIFAR10.test):
        (tmp_path / f"{name}.bin").write_bytes(bytes(3072))
    assert "records of 3073 bytes" in refused("cifar10", tmp_path)


def imagenette(root: Path) -> Path:
    """Two classes; class 1 is bright."""
    for part, count in (("train", 3), ("val", 2)):
        for label, name in enumerate(("n01440764", "n02102040")):
            folder = root / "imagenette2-160" / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                size = (40 + 10 * i, 64)
                Image.new("RGB" if i else "L", size, 200 * label).save(folder / f"{i}.JPEG")
    return root


def test_imagenette(tmp_path):
    data = load("imagenette", imagenette(tmp_path), size=16)
    assert (data.train_x.shape, len(data.test_x), data.classes) == ((6, 3, 16, 16), 4, 2)
    assert data.train_y.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.augment
    bright, dark = data.test_x[2, 1, 8, 8], data.test_x[0, 1, 8, 8]
    assert dark == pytest.approx((0 - 0.456) / 0.224, abs=0.05)
    assert bright == pytest.approx((200 / 255 - 0.456) / 0.224, abs=0.05)


def test_what_is_no_imagenette(tmp_path):
    assert "train is not here" in refused("imagenette", tmp_path)
    root = imagenette(tmp_path) / "imagenette2-160"
    assert "--size" in refused("imagenette", tmp_path, size=4)
    (root / "train" / "n01440764" / "1.JPEG").write_bytes(b"no image")
    assert "1.JPEG: is damaged" in refused("imagenette", tmp_path, size=16)
    (root / "val" / "n03000684").mkdir()
    assert "n03000684" in refused("imagenette", tmp_path, size=16)


EVENTS = np.dtype([("x", np.int16), ("y", np.int16), ("p", bool), ("t", np.int64)])


def events(*rows):
    return np.array(list(rows), EVENTS)


def test_frames_count_events_in_slices_of_equal_number():
    made = events((0, 1, 0, 0), (0, 1, 0, 1), (127, 0, 1, 2), (3, 3, 1, 3), (127, 127, 1, 9))
    frames = frames_of(made, 2, 128)
    assert frames.shape == (2, 2, 128, 128)
    assert (frames[0, 0, 1, 0], frames[0].sum()) == (2, 2)
    # the last slice takes the rest
    assert (frames[1, 1, 0, 127], frames[1, 1, 3, 3], frames[1, 1, 127, 127]) == (1, 1, 1)
    halved = frames_of(made, 1, 64)
    assert (halved[0, 0, 0, 0], halved[0, 1, 1, 1], halved[0, 1, 63, 63]) == (2, 1, 1)
    assert frames_of(events((0, 0, 1, 0)), 4, 128)[0, 1, 0, 0] == 1
    assert not frames_of(events(), 4, 128).any()


def fake_tonic(monkeypatch, folder):
    """Data sets as tonic's: paths and classes in `data` and `targets`, events by index, a download where none are."""

    class Base:
        def __init__(self, save_to, train=True):
            self.location_on_system = f"{save_to}/{type(self).__name__}"
            self.folder_name = folder if train else folder.replace("Train", "Test")
            if not self._check_exists():
                self.download()
            files = Path(self.location_on_system, self.folder_name).rglob("*.*")
            self.data = [str(p) for p in files][::-1]  # tonic's order is that of the file system
            self.targets = [int(Path(p).stem) % 3 for p in self.data]

        def __len__(self):
            return len(self.data)

        def __getitem__(self, i):
            return events((int(Path(self.data[i]).stem), 0, 0, 0)), self.targets[i]

        def _check_exists(self):
            return False

        def download(self):
            raise AssertionError("never")

    kinds = {name: type(name, (Base,), {}) for name in ("DVSGesture", "CIFAR10DVS")}
    module = types.SimpleNamespace(**kinds)
    monkeypatch.setitem(sys.modules, "tonic", types.SimpleNamespace(datasets=module))
    monkeypatch.setitem(sys.modules, "tonic.datasets", module)


def test_gestures_through_tonic(tmp_path, monkeypatch):
    fake_tonic(monkeypatch, "ibmGestureTrain")
    for part, count in (("ibmGestureTrain", 11), ("ibmGestureTest", 3)):
        folder = tmp_path / "DVSGesture" / part / "user01_led"
        folder.mkdir(parents=True)
        for i in range(count):
            (folder / f"{i}.npy").touch()
    data = load("dvsgesture", tmp_path, frames=2)
    assert (data.train_x.shape, len(data.test_x), data.frames) == ((11, 2, 2, 128, 128), 3, 2)
    assert [int(x[0, 0, 0].argmax()) for x in data.train_x] == list(range(11))  # 10 after 9
    assert data.train_y.tolist() == [i % 3 for i in range(11)]


def test_cifar10dvs_holds_back_the_last_tenth_of_every_class(tmp_path, monkeypatch):
    fake_tonic(monkeypatch, "")
    folder = tmp_path / "CIFAR10DVS"
    folder.mkdir()
    for i in range(30):
        (folder / f"{i}.aedat4").touch()
    data = load("cifar10dvs", tmp_path, frames=1, size=128)
    assert data.test_y.tolist() == [0, 1, 2]
    assert [int(x[0, 0, 0].argmax()) for x in data.test_x] == [27, 28, 29]
    assert len(data.train_x) == 27
    assert "divides 128" in refused("cifar10dvs", tmp_path, size=48)


def test_events_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tonic", None)
    monkeypatch.setitem(sys.modules, "tonic.datasets", None)
    assert "snn2chip[events]" in refused("dvsgesture", tmp_path)
    fake_tonic(monkeypatch, "ibmGestureTrain")
    assert "nothing is downloaded" in refused("dvsgesture", tmp_path)
    assert "--data-root DIR" in refused("cifar10dvs", None)
