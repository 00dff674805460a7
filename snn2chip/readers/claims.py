"""What the user says of a network's ends, held against the tensors: the frame, and the number of classes."""

from dataclasses import replace

from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import channels_help
from snn2chip.network.types import InputKind, Shape
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.options import Options, whole
from snn2chip.readers.types import ReadRequest


def frame_of(request: ReadRequest, o: Options, default: Shape, assumed: str, first: str) -> Shape:
    """The frame (C, H, W): as asked, with as many channels as `default`; else `default`, which `assumed` tells.

    `first`: what takes the channels, as the error names it.
    """
    if request.shape is None:
        o.assumed.append(f"{assumed}; no input or shape says it")
        return default
    kind = InputKind.STATIC if request.frames is None else InputKind.FRAMES
    if request.shape[0] != default[0]:
        raise Snn2ChipError(
            "input-shape",
            "input",
            f"has another number of channels than {first}",
            have=f"{request.shape[0]} in {'x'.join(map(str, request.shape))}",
            need=str(default[0]),
            help=channels_help(request.shape, default[0], kind),
        )
    return request.shape


STORED_FRAME = "frame"
"""Where the args of a file hold (C, H, W) of what the network was trained on."""


def with_trained_frame(container: Container, given: Shape | None) -> tuple[Container, Shape | None]:
    """(the container, with a note where `given` is another frame than the file was trained on; the frame).

    Weights of a network that ends in a mean over the map fit frames of every size, so only such a note can tell.
    """
    held = container.args.get(STORED_FRAME)
    if not (
        isinstance(held, list | tuple)
        and len(held) == 3
        and all(type(n) is int and n > 0 for n in held)
    ):
        return container, given
    c, h, w = held
    trained = f"{c} x {h} x {w}"
    if given is None:
        note = f"input of {trained}, on which the file's args say that it was trained"
    elif given != (c, h, w):
        note = f"input of {' x '.join(map(str, given))}, {OTHER_FRAME} {trained}"
    else:
        return container, given
    return replace(container, notes=(*container.notes, note)), given or (c, h, w)


OTHER_FRAME = "though the file's args say that it was trained on"


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
