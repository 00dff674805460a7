"""What the user says of a network's ends, held against the tensors: the frame, and the number of classes."""

from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import Shape
from snn2chip.readers.options import Options, whole
from snn2chip.readers.types import ReadRequest


def frame_of(request: ReadRequest, o: Options, default: Shape, assumed: str, first: str) -> Shape:
    """The frame (C, H, W): as asked, with as many channels as `default`; else `default`, which `assumed` tells.

    `first`: what takes the channels, as the error names it.
    """
    if request.shape is None:
        o.assumed.append(f"{assumed}; no input or shape says it")
        return default
    if request.shape[0] != default[0]:
        raise Snn2ChipError(
            "input-shape",
            "input",
            f"has another number of channels than {first}",
            have=f"{request.shape[0]} in {'x'.join(map(str, request.shape))}",
            need=str(default[0]),
            help="is --layout right?",
        )
    return request.shape


def check_classes(o: Options, path: str, readout: str, classes: int) -> None:
    """A `num_classes` that is not what the read-out layer has is an error."""
    said = o.find("num_classes", whole, in_args=False)
    if said is not None and said != classes:
        raise Snn2ChipError(
            "option-contradicts",
            "--option num_classes",
            f"contradicts the shape of {readout}.weight in {path}",
            have=str(said),
            need=str(classes),
        )
