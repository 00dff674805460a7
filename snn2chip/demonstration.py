"""`demo`: the whole way on a trained network that comes with the package."""

from pathlib import Path

from snn2chip.files import shipped_data
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.pipeline import Deployment, deploy
from snn2chip.progress import Progress


def demo(out: str | Path = "demo-build", *, progress: Progress | None = None) -> Deployment:
    """Deploy the trained MNIST network on images that it has not seen; `out` is the build folder."""
    data = shipped_data()
    request = ModelRequest(
        path=str(data / "mnist.pth"), input_path=str(data / "mnist_demo.npy"), layout="NCHW"
    )
    options = BuildOptions(model=request, labels=str(data / "mnist_demo_labels.npy"))
    return deploy(options, out, progress=progress)
