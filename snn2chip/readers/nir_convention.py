"""How a library turns the parameters of a `.nir` file into steps of time.

A NIR neuron is a differential equation; the file says neither dt nor how it is discretised, nor when a neuron fires
or what firing does. Each library reads and writes the same fields with a meaning of its own, so that the one who
reads has to be told: `NAME[,key=value...]`, where NAME is a preset and the keys override it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.neuron import Compare, Emits, Reset

E = TypeVar("E", bound=Enum)


class Decay(Enum):
    """The factor that the membrane keeps in a step: 1 - dt/tau, or exp(-dt/tau)."""

    EULER = "euler"
    EXP = "exp"


class Gain(Enum):
    """What the input of a LIF is multiplied by."""

    R_DT_TAU = "r*dt/tau"
    DT_TAU = "dt/tau"
    REST = "1-decay"
    R = "r"
    ONE = "1"


class IfGain(Enum):
    """What the input of an IF is multiplied by."""

    R_DT = "r*dt"
    R = "r"
    ONE = "1"


class Start(Enum):
    """The membrane before the first step."""

    ZERO = "0"
    LEAK = "v_leak"
    RESET = "v_reset"


class Timing(Enum):
    """When the reset is applied: in the step that fires, or in the next one after its decay."""

    SAME = "same_step"
    NEXT = "next_step"


class Floor(Enum):
    """A floor of the membrane that is the negative of its threshold."""

    THRESHOLD = "-threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One way to read neurons. `v_min`: floor of the membrane after the reset (a number, minus the threshold, none)."""

    library: str
    dt: float
    decay: Decay
    gain: Gain
    if_gain: IfGain
    compare: Compare
    reset: Reset
    late_reset: bool
    emits: Emits
    v_min: float | Floor | None
    v_init: Start

    def __str__(self) -> str:
        floor = self.v_min.value if isinstance(self.v_min, Floor) else self.v_min
        return (
            f"{self.library},dt={self.dt:g},decay={self.decay.value},gain={self.gain.value},"
            f"if_gain={self.if_gain.value},compare={self.compare.value},reset={_RESET_NAMES[self.reset]},"
            f"reset_timing={(Timing.NEXT if self.late_reset else Timing.SAME).value},"
            f"spike={'multi' if self.emits is Emits.MULTISPIKE else 'binary'},"
            f"v_min={'none' if floor is None else floor},v_init={self.v_init.value}"
        )


_RESET_NAMES = {Reset.ZERO: "hard", Reset.SUBTRACT: "subtract", Reset.NONE: "none"}

_NORSE = Convention(
    library="norse",
    dt=1e-3,
    decay=Decay.EULER,
    gain=Gain.R_DT_TAU,
    if_gain=IfGain.ONE,
    compare=Compare.GREATER,
    reset=Reset.ZERO,
    late_reset=False,
    emits=Emits.SPIKE,
    v_min=None,
    v_init=Start.LEAK,
)

PRESETS: Mapping[str, Convention] = {
    "norse": _NORSE,  # norse 1.1.0, LIFBoxCell and IAFCell
    "snntorch": replace(  # snnTorch 1.0.0, Leaky as it is by default; its exporter fixes dt
        _NORSE,
        library="snntorch",
        dt=1e-4,
        if_gain=IfGain.R,
        reset=Reset.SUBTRACT,
        late_reset=True,
        v_init=Start.ZERO,
    ),
    "spikingjelly": replace(  # SpikingJelly 2.0.0, LIFNode and IFNode; dt is its exporter's default
        _NORSE,
        library="spikingjelly",
        dt=1e-4,
        if_gain=IfGain.R_DT,
        compare=Compare.GREATER_EQUAL,
        v_init=Start.RESET,
    ),
    "sinabs": replace(  # sinabs 3.1.3, LIF (norm_input) and IAF as they are by default
        _NORSE,
        library="sinabs",
        dt=1.0,
        decay=Decay.EXP,
        gain=Gain.REST,
        if_gain=IfGain.R_DT,
        compare=Compare.GREATER_EQUAL,
        reset=Reset.SUBTRACT,
        emits=Emits.MULTISPIKE,
        v_init=Start.ZERO,
    ),
}

ANY = replace(PRESETS["sinabs"], library="any")
"""What no convention reads, this one does not either: to look for defects before it is said who wrote the file."""


def parse_convention(text: str) -> Convention:
    """The convention that `text` names: a preset, then `key=value` overrides.

    >>> parse_convention("norse,dt=1.0,compare=>=").compare
    <Compare.GREATER_EQUAL: '>='>
    """
    name, *overrides = (part.strip() for part in text.split(","))
    if name not in PRESETS:
        raise _error(f"unknown library {name!r}", " | ".join(PRESETS), did_you_mean(name, PRESETS))
    convention = PRESETS[name]
    for part in overrides:
        key, equals, value = part.partition("=")
        if key not in _KEYS:
            raise _error(f"unknown key {key!r}", " | ".join(_KEYS), did_you_mean(key, _KEYS))
        if not equals:
            raise _error(f"the key {key!r} has no value", f"{key}=VALUE", "")
        convention = _KEYS[key](convention, value)
    return convention


def ask_for_convention(path: str, hint: str) -> Snn2ChipError:
    """The error for a file of another tool that is read without a convention; `hint`: what the file lets guess."""
    return Snn2ChipError(
        "nir-convention",
        path,
        "a .nir file does not say how its neurons step in time, and libraries differ",
        need=f"--convention NAME[,key=value...], NAME one of {' | '.join(PRESETS)}",
        help=hint,
    )


def _error(why: str, need: str, help: str) -> Snn2ChipError:
    return Snn2ChipError("nir-convention", "--convention", why, need=need, help=help)


def _word(key: str, value: str, words: Mapping[str, E]) -> E:
    if value not in words:
        raise _error(
            f"unknown value {value!r} of {key!r}", " | ".join(words), did_you_mean(value, words)
        )
    return words[value]


def _number(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        raise _error(f"{key!r} is {value!r}", "a finite number", "")
    return number


def _dt(convention: Convention, value: str) -> Convention:
    dt = _number("dt", value)
    if dt <= 0:
        raise _error(f"dt is {value!r}", "a number above 0", "")
    return replace(convention, dt=dt)


def _v_min(convention: Convention, value: str) -> Convention:
    if value == "none":
        return replace(convention, v_min=None)
    if value == Floor.THRESHOLD.value:
        return replace(convention, v_min=Floor.THRESHOLD)
    return replace(convention, v_min=_number("v_min", value))


def _timing(convention: Convention, value: str) -> Convention:
    timing = _word("reset_timing", value, _by_value(Timing))
    return replace(convention, late_reset=timing is Timing.NEXT)


def _by_value(kind: type[E]) -> dict[str, E]:
    return {str(member.value): member for member in kind}


_RESETS = {"hard": Reset.ZERO, "zero": Reset.ZERO, "subtract": Reset.SUBTRACT, "none": Reset.NONE}
_SPIKES = {"binary": Emits.SPIKE, "multi": Emits.MULTISPIKE}

_KEYS: Mapping[str, Callable[[Convention, str], Convention]] = {
    "dt": _dt,
    "decay": lambda c, v: replace(c, decay=_word("decay", v, _by_value(Decay))),
    "gain": lambda c, v: replace(c, gain=_word("gain", v, _by_value(Gain))),
    "if_gain": lambda c, v: replace(c, if_gain=_word("if_gain", v, _by_value(IfGain))),
    "compare": lambda c, v: replace(c, compare=_word("compare", v, _by_value(Compare))),
    "reset": lambda c, v: replace(c, reset=_word("reset", v, _RESETS)),
    "reset_timing": _timing,
    "spike": lambda c, v: replace(c, emits=_word("spike", v, _SPIKES)),
    "v_min": _v_min,
    "v_init": lambda c, v: replace(c, v_init=_word("v_init", v, _by_value(Start))),
}
