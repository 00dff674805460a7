"""The architectures that can be trained, by name."""

from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.training.architectures.dvs import SEW_RESNET_DVS
from snn2chip.training.architectures.guo import GUO
from snn2chip.training.architectures.ledinauskas_like import LEDINAUSKAS_LIKE
from snn2chip.training.architectures.mlf import MLF
from snn2chip.training.architectures.s_resnet import S_RESNET
from snn2chip.training.architectures.sew import SEW_RESNET, SPIKING_RESNET
from snn2chip.training.architectures.types import Architecture

ARCHITECTURES: tuple[Architecture, ...] = (
    SEW_RESNET,
    SPIKING_RESNET,
    SEW_RESNET_DVS,
    S_RESNET,
    MLF,
    GUO,
    LEDINAUSKAS_LIKE,
)


def architecture(name: str) -> Architecture:
    """The architecture called `name`."""
    known = {a.name: a for a in ARCHITECTURES}
    if name not in known:
        raise Snn2ChipError(
            "arch-unknown",
            name,
            f"there is no architecture {name!r} to train",
            need=" | ".join(known),
            help=did_you_mean(name, known),
        )
    return known[name]
