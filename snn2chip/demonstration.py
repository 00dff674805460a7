"""`demo`: the whole way on a trained network that comes with the package."""

from importlib.resources import files
from pathlib import Path

from snn2chip.errors import Snn2ChipError
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.pipeline import Deployment, deploy
from snn2chip.progress import Progress


def demo(out: str | Path = "demo-build", *, progress: Progress | None = None) -> Deployment:
    """Deploy the trained MNIST network on images that it has not seen; `out` is the build folder."""
    data = demo_data()
    request = ModelRequest(
        path=str(data / "mnist.pth"), input_path=str(data / "mnist_demo.npy"), layout="NCHW"
    )
    options = BuildOptions(model=request, labels=str(data / "mnist_demo_labels.npy"))
    return deploy(options, out, progress=progress)


def demo_data() -> Path:
    """The folder with the trained checkpoints and test images: in the wheel, or in examples/ of a checkout."""
    package = Path(str(files("snn2chip")))
    for folder in (package / "data", package.parent / "examples" / "data"):
        if (folder / "mnist.pth").is_file():
            return folder
    raise Snn2ChipError(
        "demo-data",
        "mnist.pth",
        "the demo's checkpoint is not installed",
        help="install the wheel again",
    )
