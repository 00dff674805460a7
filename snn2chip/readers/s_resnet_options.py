"""What the keys of an S-ResNet checkpoint cannot say: the leak, boosting, steps of the input, its size."""

from dataclasses import dataclass

from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import Shape
from snn2chip.readers.claims import frame_of
from snn2chip.readers.options import (
    DEFAULT,
    INPUT,
    STEPS,
    TENSORS,
    Options,
    flag,
    number,
    refuse_unknown,
    whole,
)
from snn2chip.readers.s_resnet_keys import Sizes
from snn2chip.readers.types import ReadRequest
from snn2chip.zoo.s_resnet import VOTES

OPTIONS = (
    "n",
    "nFilters",
    "num_steps",
    "T",
    "leak_mem",
    "img_size",
    "num_cls",
    "boosting",
    "poisson_gen",
)
"""Arguments of the authors' constructors, and T."""

SIDE, EVENT_SIDE = 32, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`steps`: T of the input, at most the number of norms. `frame`: (C, H, W) as given; `size`: after resizing."""

    leak: float
    boosting: bool
    steps: int
    frame: Shape
    size: int
    drawn: bool

    @property
    def halved(self) -> bool:
        """Whether frames are averaged over 2 x 2 first."""
        return self.frame[1] == 2 * self.size


def settle(path: str, request: ReadRequest, sizes: Sizes, outputs: int, o: Options) -> Settings:
    """The settings of a network whose classifier has `outputs` rows; `path` is the file, for messages."""
    refuse_unknown(request.options, OPTIONS)
    for name, value in (("n", sizes.n), ("nFilters", sizes.width), ("num_steps", sizes.norms)):
        _check(o, name, value, path)
    boosting = _boosting(path, outputs, sizes, o)
    _check(o, "num_cls", outputs // VOTES if boosting else outputs, path)
    drawn = _drawn(request, sizes, o)
    frame, size = _frame(path, request, sizes, o)
    return Settings(
        leak=_leak(path, o),
        boosting=boosting,
        steps=_steps(request, sizes, o),
        frame=frame,
        size=size,
        drawn=drawn,
    )


def _check(o: Options, name: str, value: int, path: str) -> None:
    """What the user says of something that the tensors tell."""
    said = o.find(name, whole)
    if said is not None and said != value:
        raise Snn2ChipError(
            "option-contradicts",
            f"--option {name}",
            f"contradicts the tensors of {path}",
            have=str(said),
            need=str(value),
        )


def _leak(path: str, o: Options) -> float:
    leak = o.find("leak_mem", number)
    if leak is None:
        raise Snn2ChipError(
            "option-missing",
            path,
            "does not hold the leak of the membranes, and every spike depends on it",
            need="leak_mem",
            help="give --option leak_mem=0.874 (default of the authors' train.py; their README trains with 0.8744, "
            "the constructor's default is 0.95)",
        )
    if not 0 <= leak <= 1:
        raise Snn2ChipError(
            "option-value", "--option leak_mem", f"leak_mem = {leak} is not allowed", need="0 … 1"
        )
    return leak


def _boosting(path: str, outputs: int, sizes: Sizes, o: Options) -> bool:
    """Whether ten outputs vote for a class: the rows of `fc` do not tell 10 n classes from n boosted ones."""
    said, classes = o.find("boosting", flag), o.find("num_cls", whole)
    if said is None and classes is not None and not sizes.for_events:
        said = outputs == VOTES * classes
    impossible = sizes.for_events or outputs % VOTES != 0
    if said is None and (impossible or outputs == VOTES):
        return False
    if said is None:
        raise Snn2ChipError(
            "option-missing",
            path,
            f"fc has {outputs} rows: {outputs} classes, or {outputs // VOTES} with boosting",
            need="boosting",
            help="give --option boosting=true or --option boosting=false",
        )
    if said and impossible:
        why = "event cameras' networks have no boosting" if sizes.for_events else "10 rows a class"
        raise Snn2ChipError(
            "option-contradicts",
            "--option boosting",
            f"contradicts the tensors of {path}: {why}",
            have=f"{outputs} rows of fc",
            need="boosting=false",
        )
    o.take("boosting", said, o.sources.get("boosting", o.sources.get("num_cls", TENSORS)))
    return said


def _drawn(request: ReadRequest, sizes: Sizes, o: Options) -> bool:
    """Whether the input is random spikes; they have to be drawn before, or no two runs would be alike."""
    drawn = bool(o.find("poisson_gen", flag))
    if drawn and (sizes.for_events or (request.shape is not None and request.frames is None)):
        why = "it draws new random spikes at every step, so no run could be compared with another"
        raise Snn2ChipError(
            "option-value",
            "--option poisson_gen",
            "event cameras' networks do not have it" if sizes.for_events else why,
            help=""
            if sizes.for_events
            else "draw the spikes -1, 0, +1 once and give them as frames, --layout NTCHW",
        )
    if drawn:
        o.assumed.append("the input is spikes that were drawn beforehand (poisson_gen)")
    return drawn


def _steps(request: ReadRequest, sizes: Sizes, o: Options) -> int:
    """T: of the frames, else of --steps or --option T, else as many as there are norms."""
    said = {v for v in (o.find("T", whole), request.steps, request.frames) if v is not None}
    steps = {whole("T", v) for v in said} or {sizes.norms}
    (first, *others) = sorted(steps)
    static = request.frames is None and not sizes.for_events
    if others or first > sizes.norms or (static and first != sizes.norms):
        raise Snn2ChipError(
            "option-contradicts",
            "T",
            "every step has batch norms of its own",
            have=" and ".join(map(str, sorted(steps))),
            need=f"{sizes.norms}, as in the file" + ("" if static else ", or fewer frames"),
        )
    source = STEPS if request.steps is not None else TENSORS if request.frames is None else INPUT
    o.take("T", first, o.sources.get("T", source))
    if first < sizes.norms:
        o.assumed.append(
            f"T = {first} of {sizes.norms}: the first norms, and the sum divided by {sizes.norms}"
        )
    return first


def _frame(path: str, request: ReadRequest, sizes: Sizes, o: Options) -> tuple[Shape, int]:
    """(frame as given, size of the maps that the stem sees)."""
    said = o.find("img_size", whole)
    usual = said or (EVENT_SIDE if sizes.for_events else SIDE)
    given = 2 * usual if sizes.for_events else usual
    assumed = f"input of {given} x {given} pixels" + (" (the authors')" if said is None else "")
    default = (sizes.channels, given, given)
    frame = frame_of(request, o, default, assumed, f"conv_list.0.weight of {path}")
    side = frame[1]
    size = usual if said or (sizes.for_events and side in (usual, 2 * usual)) else side
    allowed = {size, 2 * size} if sizes.for_events else {size}
    if frame[1] != frame[2] or side not in allowed:
        raise Snn2ChipError(
            "input-shape",
            "input",
            "is not of the size that the network was made for",
            have=f"{frame[1]} x {frame[2]}",
            need=" or ".join(f"{n} x {n}" for n in sorted(allowed)),
            help="img_size is the size after resizing" if sizes.for_events else "",
        )
    if said is None:
        given = request.shape is not None
        why, source = ("of the input", INPUT) if given else ("the authors' default", DEFAULT)
        o.default("img_size", size, why, source)
    return frame, size
