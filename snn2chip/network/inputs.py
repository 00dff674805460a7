"""Does an input fit a network?"""

from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind, NetworkInput


def check_input(expected: NetworkInput, steps: int, inputs: InputData) -> None:
    """Raise Snn2ChipError `input-shape` where the values are not what the network takes."""
    axes = "N" if expected.kind is InputKind.STATIC else "T, N"
    frames = () if expected.kind is InputKind.STATIC else (steps,)
    have = inputs.values.shape
    fits = (
        inputs.kind is expected.kind
        and len(have) == len(frames) + 4
        and have[: len(frames)] == frames
        and have[-3:] == expected.shape
    )
    if not fits:
        c, h, w = expected.shape
        times = "" if not frames else f" with T = {steps}"
        raise Snn2ChipError(
            "input-shape",
            "input",
            f"the network takes {expected.kind.value} input",
            need=f"[{axes}, {c}, {h}, {w}]{times}",
            have=f"{inputs.kind.value} {list(have)}",
        )
