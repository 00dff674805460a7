"""The systems whose checkpoints can be read, and which of them a file is."""

from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.dvs_resnet import SEW_RESNET_DVS
from snn2chip.readers.guo import GUO
from snn2chip.readers.ledinauskas_like import LEDINAUSKAS_LIKE
from snn2chip.readers.mlf import MLF
from snn2chip.readers.s_resnet import S_RESNET
from snn2chip.readers.sew_resnet import SEW_RESNET, SPIKING_RESNET
from snn2chip.readers.types import Match, System

SYSTEMS: tuple[System, ...] = (
    SEW_RESNET,
    SPIKING_RESNET,
    SEW_RESNET_DVS,
    S_RESNET,
    MLF,
    GUO,
    LEDINAUSKAS_LIKE,
)


def system_of(container: Container, arch: str | None) -> System:
    """The system that `arch` names, else the one whose keys the container has."""
    if arch is not None:
        return _named(arch)
    matches = {s.name: s.recognise(container) for s in SYSTEMS}
    certain = [s for s in SYSTEMS if matches[s.name] is Match.YES]
    if len(certain) == 1:
        return certain[0]
    possible = [s for s in SYSTEMS if matches[s.name] is Match.AMBIGUOUS]
    if possible:
        names = " or ".join(f"--arch {s.archs[0]}" for s in possible)
        raise Snn2ChipError(
            "arch-missing",
            container.path,
            "the keys are those of a ResNet, and nothing in them shows spiking neurons: SpikingJelly's models "
            "keep no tensors for them, torchvision's have none",
            help=f"say what it is: {names} (or another depth)",
        )
    raise Snn2ChipError(
        "checkpoint-unknown",
        container.path,
        "is of no system that can be read",
        have=f"keys {', '.join(list(container.tensors)[:4])}, …",
        need=" | ".join(s.name for s in SYSTEMS),
    )


def _named(arch: str) -> System:
    for system in SYSTEMS:
        if arch in system.archs:
            return system
    known = [name for system in SYSTEMS for name in system.archs]
    raise Snn2ChipError(
        "arch-unknown",
        f"--arch {arch}",
        f"there is no architecture {arch!r}",
        need=" | ".join(known),
        help=did_you_mean(arch, known),
    )
