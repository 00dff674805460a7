"""Files that a page's commands find in their folder, small and real: a page asks with `<!-- prepare: NAME -->`.

Each function puts files into a folder. What takes seconds to make is made once in a run of the tests.
"""

import argparse
import re
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch

from snn2chip.cli.main import main
from snn2chip.zoo.sew_resnet import SEWResNet, small_sew_resnet
from tests.docs.pages import ROOT

DATA = ROOT / "examples" / "data"
SAMPLES = 4
"""Images of every input: what a page shows with a thousand runs here with these."""


def digits(folder: Path) -> None:
    """The trained digits network as `net.pth`; `test.npy`, `labels.npy`, `more.npy`, `calibration.npy`."""
    shutil.copy(DATA / "digits.pth", folder / "net.pth")
    x, y = np.load(DATA / "digits_test.npy"), np.load(DATA / "digits_test_labels.npy")
    np.save(folder / "test.npy", x[:SAMPLES])
    np.save(folder / "labels.npy", y[:SAMPLES])
    np.save(folder / "more.npy", x[SAMPLES : 2 * SAMPLES])
    np.save(folder / "calibration.npy", np.load(DATA / "digits_calibration.npy")[:SAMPLES])


def build(folder: Path) -> None:
    """`digits`, and its compiled `build`."""
    digits(folder)
    shutil.rmtree(folder / "build", ignore_errors=True)
    shutil.copytree(_build(), folder / "build")


@cache
def _build() -> Path:
    folder = Path(mkdtemp(prefix="docs-"))
    digits(folder)
    given = [str(folder / "net.pth"), "--input", str(folder / "test.npy")]
    assert main(["compile", *given, "--out", str(folder / "build")]) == 0
    return folder / "build"


def examples(folder: Path) -> None:
    """`examples`, with few samples of each array of its data, and `targets`."""
    shutil.copytree(ROOT / "targets", folder / "targets")
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=_data)
    there = folder / "examples" / "data"
    there.mkdir()
    for path in DATA.iterdir():
        if path.suffix == ".npy":
            np.save(there / path.name, np.load(path)[:SAMPLES])
        else:
            shutil.copy(path, there)


def _data(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in ("data", "__pycache__")]


def longer_delays(folder: Path) -> None:
    """`longer-delays.toml`: targets/loihi2.toml with the lines that the page shows."""
    text = (ROOT / "targets" / "loihi2.toml").read_text(encoding="utf-8")
    text = text.replace('name = "loihi2"', 'name = "longer-delays"')
    head, delay = text.split("[delay]")
    lines = delay.splitlines()
    (bits,) = (i for i, line in enumerate(lines) if line.startswith("bits = "))
    lines[bits] = 'bits = { value = 7, status = "assumed", source = "what if" }'
    (folder / "longer-delays.toml").write_text(f"{head}[delay]" + "\n".join(lines))


def photographs(folder: Path) -> None:
    """A narrow SEW ResNet for images of 3 x 224 x 224, `net.pth` as its authors save it; an image, its label."""
    known = argparse.Namespace(T=4, connect_f="ADD")
    net = _narrow((1, 1, 1, 1))
    torch.save({"model": net.state_dict(), "args": known}, folder / "net.pth")
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 224, 224))
    np.save(folder / "test.npy", (pixels / 256).astype(np.float32))
    np.save(folder / "labels.npy", np.array([3]))


def bare(folder: Path) -> None:
    """One of 18 layers as a bare state dict, `net.pth`, and with SpikingJelly's keys, `spikingjelly.pth`."""
    weights = _narrow((2, 2, 2, 2)).state_dict()
    torch.save(weights, folder / "net.pth")
    plain = {_spikingjellys(key): value for key, value in weights.items()}
    torch.save(plain, folder / "spikingjelly.pth")


def _spikingjellys(key: str) -> str:
    """A key of the authors' repository as SpikingJelly's own models have it."""
    key = re.sub(r"downsample\.0\.module\.(\d)", r"downsample.\1", key)
    key = re.sub(r"conv(\d)\.module\.0\.", r"conv\1.", key)
    return re.sub(r"conv(\d)\.module\.1\.", r"bn\1.", key)


def nir(folder: Path) -> None:
    """Files as the libraries wrote them: SpikingJelly's `net.nir` with `frames.npy`, norse's with `image.npy`."""
    cases = ROOT / "tests" / "cases" / "nir"
    for case, name in (("spikingjelly_lif", "net"), ("norse_lifbox", "norse")):
        shutil.copy(cases / case / "model.nir", folder / f"{name}.nir")
    np.save(folder / "frames.npy", np.load(cases / "spikingjelly_lif" / "input.npz")["x"])
    np.save(folder / "image.npy", np.load(cases / "norse_lifbox" / "input.npz")["x"][0])


def _narrow(blocks: tuple[int, ...]) -> SEWResNet:
    torch.manual_seed(0)
    net = small_sew_resnet(
        3, 10, width=4, blocks=blocks, stem_kernel=7, stem_stride=2, stem_pool=True
    )
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # so that every layer fires
            torch.nn.init.constant_(module.weight, 2.0)
            torch.nn.init.constant_(module.bias, 0.3)
    return net


PREPARE: Mapping[str, Callable[[Path], None]] = {
    f.__name__: f for f in (digits, build, examples, longer_delays, photographs, bare, nir)
}
