"""SEW ResNet and the plain Spiking ResNet: recognise a checkpoint, read it."""

from functools import partial

from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import channels_help
from snn2chip.network.types import InputKind, Network, NetworkInput, Provenance, ReadOut, Shape
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.resnet_build import READOUT, check_tensors, layers_of
from snn2chip.readers.resnet_keys import (
    Dialect,
    Family,
    Structure,
    dialect_of,
    family_of,
    plan_of,
    structure_of,
)
from snn2chip.readers.resnet_module import module_of
from snn2chip.readers.resnet_options import OPTIONS, settle
from snn2chip.readers.resnet_twin import write_twin
from snn2chip.readers.types import Match, ReadModel, ReadRequest, System

DEPTHS: dict[tuple[bool, tuple[int, ...]], str] = {
    (False, (2, 2, 2, 2)): "18",
    (False, (3, 4, 6, 3)): "34",
    (True, (3, 4, 6, 3)): "50",
    (True, (3, 4, 23, 3)): "101",
    (True, (3, 8, 36, 3)): "152",
}
"""(Bottleneck or not, blocks in each stage) -> the name's number."""

IMAGENET_SIZE = 224


def recognise(container: Container, family: Family) -> Match:
    """YES where the keys show a network of `family`; AMBIGUOUS where it could be that, another, or no spiking one."""
    dialect = dialect_of(container.tensors)
    if dialect is None or "conv1.weight" not in container.tensors:
        return Match.NO
    found = family_of(container.tensors, dialect)
    if found is None:
        return Match.YES if _named_in_args(container, dialect, family) else Match.AMBIGUOUS
    return Match.YES if found is family else Match.NO


def _named_in_args(container: Container, dialect: Dialect, family: Family) -> bool:
    """Whether the training script's args tell what the keys do not: the model's name, or a connect function.

    SpikingJelly's keys are also torchvision's, so there only the name counts.
    """
    joined = family is Family.SEW and isinstance(container.args.get("connect_f"), str)
    return container.args.get("model") in archs(family) or (
        joined and dialect is not Dialect.SPIKINGJELLY
    )


def read(container: Container, request: ReadRequest, family: Family) -> ReadModel:
    """The network, its module and its twin writer."""
    dialect = dialect_of(container.tensors)
    if dialect is None:
        raise Snn2ChipError(
            "checkpoint-keys",
            container.path,
            f"has no keys of a {family.value}",
            have=", ".join(list(container.tensors)[:4]),
            need="layer1.0.conv1.module.0.weight, …",
        )
    s = structure_of(container, dialect)
    _check_arch(container.path, request.arch, s, family)
    settings = settle(container, request, s, family)
    plan = plan_of(s, family, settings.stages, settings.stem_stride, dialect)
    used, unused = check_tensors(container, plan)
    kind = InputKind.STATIC if request.frames is None else InputKind.FRAMES
    shape, assumed = _frame(container.path, request.shape, s, kind)
    assumed = (*container.notes, *settings.assumed, *assumed, *_frames_note(request, dialect))
    provenance = Provenance(
        path=container.path,
        sha256=container.sha256,
        system=family.value,
        arch=_arch(s, family),
        options=settings.used,
        sources=settings.sources,
        assumed=assumed,
        used=used,
        unused=unused,
    )
    network = Network(
        input=NetworkInput(shape=shape, kind=kind),
        steps=settings.steps,
        layers=layers_of(plan, settings, container.tensors, shape[1:]),
        readout=ReadOut(layer=READOUT, mean=True),
        provenance=provenance,
    )
    return ReadModel(
        network=network,
        module=partial(module_of, container, s, plan, settings),
        write_twin=partial(write_twin, container=container, plan=plan, settings=settings),
    )


def archs(family: Family) -> tuple[str, ...]:
    """Names of `--arch`: by depth, and without one for other numbers of blocks."""
    return (*(f"{family.value}{depth}" for depth in DEPTHS.values()), family.value)


def _arch(s: Structure, family: Family) -> str:
    depth = DEPTHS.get((s.bottleneck, s.blocks))
    blocks = "Bottleneck" if s.bottleneck else "BasicBlock"
    standard = depth is not None and s.width == 64
    return (
        f"{family.value}{depth}"
        if standard
        else f"{family.value} ({blocks} {list(s.blocks)}, width {s.width})"
    )


def _check_arch(path: str, arch: str | None, s: Structure, family: Family) -> None:
    """`--arch` against what the keys say."""
    if arch is None:
        return
    if s.family not in (None, family):
        have = f"keys of a {s.family.value}" if s.family else ""
        raise Snn2ChipError(
            "arch-contradicts", f"--arch {arch}", f"is not what {path} holds", have=have
        )
    need = next((k for k, depth in DEPTHS.items() if arch == f"{family.value}{depth}"), None)
    if need is not None and need != (s.bottleneck, s.blocks):
        raise Snn2ChipError(
            "arch-contradicts",
            f"--arch {arch}",
            f"{path} has another depth",
            have=f"{_arch(s, family)}, {list(s.blocks)} blocks in layer1 … layer{len(s.blocks)}"
            f"{' with conv3' if s.bottleneck else ''}",
            need=f"{list(need[1])} blocks{' with conv3' if need[0] else ''}",
        )


def _frame(
    path: str, shape: Shape | None, s: Structure, kind: InputKind
) -> tuple[Shape, tuple[str, ...]]:
    """Shape (C, H, W) of the input, and what was assumed for it."""
    if shape is None:
        if s.stem_kernel != 7:
            raise Snn2ChipError(
                "shape-missing",
                path,
                "the keys do not tell the size of the image",
                help="give --shape C,H,W or --input",
            )
        default = (s.in_channels, IMAGENET_SIZE, IMAGENET_SIZE)
        return default, (
            f"input of {IMAGENET_SIZE} x {IMAGENET_SIZE} pixels (ImageNet); no input or shape says it",
        )
    if shape[0] != s.in_channels:
        raise Snn2ChipError(
            "input-shape",
            "input",
            f"has another number of channels than conv1.weight of {path}",
            have=f"{shape[0]} in {'x'.join(map(str, shape))}",
            need=str(s.in_channels),
            help=channels_help(shape, s.in_channels, kind),
        )
    return shape, ()


def _frames_note(request: ReadRequest, dialect: Dialect) -> tuple[str, ...]:
    if request.frames is None or dialect is Dialect.SPIKINGJELLY:
        return ()
    return (
        f"conv1 and bn1 run on each of {request.frames} frames, as in SpikingJelly's models; "
        "the authors' own code takes one static image (NCHW)",
    )


def _system(family: Family) -> System:
    return System(
        name=family.value,
        archs=archs(family),
        options=OPTIONS,
        recognise=partial(recognise, family=family),
        read=partial(read, family=family),
    )


SEW_RESNET = _system(Family.SEW)
SPIKING_RESNET = _system(Family.PLAIN)
