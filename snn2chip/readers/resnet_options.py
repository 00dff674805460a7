"""What the keys of a spiking ResNet do not say: from options, the file's args, the input, or the authors' defaults."""

from dataclasses import dataclass

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.options import (
    DEFAULT,
    TRAINING,
    Options,
    choice,
    flag,
    note_training,
    number,
    positive,
    refuse_unknown,
    whole,
    wholes,
)
from snn2chip.readers.resnet_keys import Dialect, Family, Stage, Structure
from snn2chip.readers.steps import steps_of
from snn2chip.readers.types import ReadRequest

OPTIONS = (
    "T",
    "connect_f",
    "cnf",
    "num_classes",
    "neuron",
    "spiking_neuron",
    "tau",
    "decay_input",
    "v_threshold",
    "v_reset",
    "iand_swapped",
    "stem_stride",
    "stem_pool",
    "strides",
    "groups",
    "width_per_group",
    "replace_stride_with_dilation",
    *TRAINING,
)
"""Constructor arguments of the authors' code and of SpikingJelly's; `stem_*`, `strides` and `iand_swapped` are ours."""

STORED = ("T", "connect_f", "v_threshold", "stem_stride", "stem_pool", "strides")
"""Options that the file's own args may hold."""

CONNECTIONS = ("ADD", "AND", "IAND")
NEURONS = ("IFNode", "LIFNode", "ParametricLIFNode")

DEFAULT_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronSettings:
    """`tau` None: IF. `learned`: PLIF, its decay is in the file. `v_reset` None: the threshold is subtracted."""

    v_threshold: float
    v_reset: float | None
    tau: float | None
    decay_input: bool
    learned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything beside the weights; `connect_f` is a key of the zoo's JOINS, and empty for the plain network."""

    steps: int
    connect_f: str
    neuron: NeuronSettings
    strides: tuple[int, ...]
    dilate: tuple[bool, ...]
    stem_stride: int
    stem_pool: bool
    used: dict[str, object]
    sources: dict[str, str]
    assumed: tuple[str, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Strides and dilations, as torchvision counts them: a dilated stage spreads its kernels from its second block.

        The first block still has the dilation of the stage before.
        """
        found: list[Stage] = []
        dilation = 1
        for stride, spread in zip(self.strides, self.dilate, strict=True):
            first = dilation
            dilation *= stride if spread else 1
            found.append(Stage(stride=1 if spread else stride, first=first, later=dilation))
        return tuple(found)


def settle(container: Container, request: ReadRequest, s: Structure, family: Family) -> Settings:
    """The settings for a network of structure `s`."""
    refuse_unknown(request.options, OPTIONS)
    if family is Family.PLAIN and ("connect_f" in request.options or "cnf" in request.options):
        why = "this is a plain Spiking ResNet, which has no connect function"
        raise Snn2ChipError("option-contradicts", "--option connect_f", why)
    o = Options(given=request.options, args=container.args)
    _check_classes(o, container.path, s)
    note_training(o)
    _check_groups(o, container.path, s)
    steps = steps_of(o, request, DEFAULT_STEPS)
    connect_f = _connection(o, container.path, s) if family is Family.SEW else ""
    neuron = _neuron(o, s)
    strides, stem_stride, stem_pool = _strides(o, s), _stem_stride(o, s), _stem_pool(o, s)
    if s.dialect is Dialect.SPIKINGJELLY:
        o.assumed.append(
            "the answer is the mean of fc over T (SpikingJelly's models return every step)"
        )
    return Settings(
        steps=steps,
        connect_f=connect_f,
        neuron=neuron,
        strides=strides,
        dilate=_dilate(o, s),
        stem_stride=stem_stride,
        stem_pool=stem_pool,
        used=o.used,
        sources=o.sources,
        assumed=tuple(o.assumed),
    )


def _check_classes(o: Options, path: str, s: Structure) -> None:
    classes = o.find("num_classes", whole, in_args=False)
    if classes is not None and classes != s.classes:
        raise Snn2ChipError(
            "option-contradicts",
            "--option num_classes",
            f"contradicts the shape of fc.weight in {path}",
            have=str(classes),
            need=str(s.classes),
        )


def _connection(o: Options, path: str, s: Structure) -> str:
    found = o.find("connect_f", choice(*CONNECTIONS), "cnf")
    if found is None:
        name = "cnf" if s.dialect is Dialect.SPIKINGJELLY else "connect_f"
        raise Snn2ChipError(
            "option-missing",
            path,
            "neither the keys nor the file's args tell how blocks are joined",
            need=" | ".join(CONNECTIONS),
            help=f"give --option {name}=ADD (or another)",
        )
    swapped = o.find("iand_swapped", flag, in_args=False)
    may_swap = found == "IAND" and s.bottleneck and s.dialect is Dialect.SPIKINGJELLY
    if swapped is None and may_swap:
        why = "IAND of SpikingJelly's Bottleneck is branch · (1 - identity) since 0.0.0.0.14"
        swapped = o.default("iand_swapped", True, why)
    if swapped and found != "IAND":
        raise Snn2ChipError(
            "option-contradicts", "--option iand_swapped", "is for connect_f=IAND", have=found
        )
    return "IAND_SWAPPED" if swapped else found


def _neuron(o: Options, s: Structure) -> NeuronSettings:
    said: dict[str, object] = {
        "neuron": o.find("neuron", choice(*NEURONS), "spiking_neuron", in_args=False),
        "tau": o.find("tau", positive, in_args=False),
        "v_threshold": o.find("v_threshold", positive),
        "v_reset": o.find("v_reset", _reset, in_args=False),
        "decay_input": o.find("decay_input", flag, in_args=False),
    }
    kind = said["neuron"] or ("ParametricLIFNode" if s.learned else "IFNode")
    _check_neuron(kind, said["tau"], s)
    defaults: dict[str, object] = {"neuron": kind, "v_threshold": 1.0, "v_reset": 0.0}
    if kind == "LIFNode":
        defaults["tau"] = 2.0
    if kind != "IFNode":
        defaults["decay_input"] = True
    taken = {k: v for k, v in defaults.items() if said[k] is None}
    for name, value in taken.items():
        o.take(name, value, DEFAULT)
    if taken:
        values = ", ".join(f"{k} = {v}" for k, v in taken.items())
        o.assumed.append(f"{values} (the authors' defaults; checkpoints do not say)")
    return _settings_of(defaults | {k: v for k, v in said.items() if v is not None}, s.learned)


def _check_neuron(kind: object, tau: object, s: Structure) -> None:
    if s.learned != (kind == "ParametricLIFNode"):
        have = "sn1.w" if s.learned else "no sn1.w"
        raise Snn2ChipError(
            "option-contradicts", "--option neuron", f"{kind} contradicts the keys", have=have
        )
    if tau is not None and kind != "LIFNode":
        raise Snn2ChipError(
            "option-contradicts", "--option tau", f"is for LIFNode, and the neuron is {kind}"
        )


def _settings_of(values: dict[str, object], learned: bool) -> NeuronSettings:
    reset, tau = values["v_reset"], values.get("tau")
    return NeuronSettings(
        v_threshold=number("v_threshold", values["v_threshold"]),
        v_reset=None if reset == SOFT else number("v_reset", reset),
        tau=None if tau is None else number("tau", tau),
        decay_input=values.get("decay_input") is not False,
        learned=learned,
    )


SOFT = "none"
"""v_reset of a soft reset, which subtracts the threshold."""


def _reset(name: str, value: object) -> float | str:
    """A number, or SOFT."""
    soft = value is None or (isinstance(value, str) and value.lower() == SOFT)
    return SOFT if soft else number(name, value)


def _strides(o: Options, s: Structure) -> tuple[int, ...]:
    found = o.find("strides", wholes)
    if found is None:
        return (2 if s.first_strided else 1,) + (2,) * (len(s.blocks) - 1)
    if len(found) != len(s.blocks):
        have, need = f"{len(found)} strides", f"one for each of {len(s.blocks)} stages"
        raise Snn2ChipError(
            "option-contradicts", "--option strides", "has another length", have=have, need=need
        )
    return found


def _dilate(o: Options, s: Structure) -> tuple[bool, ...]:
    """Which stages are dilated; torchvision's list leaves out the first, which never is."""
    found = o.find("replace_stride_with_dilation", _flags, in_args=False)
    if found is None:
        return (False,) * len(s.blocks)
    where = "--option replace_stride_with_dilation"
    if len(found) != len(s.blocks) - 1:
        need = f"one for each of {len(s.blocks)} stages but the first"
        raise Snn2ChipError(
            "option-contradicts",
            where,
            "has another length",
            have=f"{len(found)} values",
            need=need,
        )
    if any(found) and not s.bottleneck:
        why = "is for Bottleneck blocks; the authors' BasicBlock has no dilation"
        raise Snn2ChipError("option-contradicts", where, why)
    return (False, *found)


def _flags(name: str, value: object) -> tuple[bool, ...]:
    if not isinstance(value, list | tuple):
        return (flag(name, value),)
    return tuple(flag(name, v) for v in value)


def width_per_group(s: Structure) -> int:
    """Torchvision's argument: inner channels of a group, for 64 planes."""
    return s.inner * 64 // (s.groups * s.width)


def _check_groups(o: Options, path: str, s: Structure) -> None:
    """Shapes tell both; what is said against them is an error."""
    for name, held in (("groups", s.groups), ("width_per_group", width_per_group(s))):
        said = o.find(name, whole, in_args=False)
        if said is not None and said != held:
            raise Snn2ChipError(
                "option-contradicts",
                f"--option {name}",
                f"contradicts the shape of the first block's conv2 in {path}",
                have=str(said),
                need=str(held),
            )


def _stem_stride(o: Options, s: Structure) -> int:
    found = o.find("stem_stride", whole)
    if found is None:
        found = (
            2
            if s.stem_kernel == 7
            else o.default("stem_stride", 2, "the authors' stem; the keys do not tell")
        )
    return found


def _stem_pool(o: Options, s: Structure) -> bool:
    found = o.find("stem_pool", flag)
    if found is None:
        found = s.stem_kernel == 7 or o.default(
            "stem_pool", True, "the authors' stem; the keys do not tell"
        )
    return found
