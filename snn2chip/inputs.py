"""The input of a run: arrays in the layouts of the source models, brought to one inner form."""

import hashlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import frozen
from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.network.types import InputKind, Shape

FEW = 100
"""With fewer samples one decision is more than 1 %: as much as settings and points of a front are apart."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputData:
    """`values`: STATIC [N, C, H, W], FRAMES [T, N, C, H, W]; float64 for the float levels, int64 once quantized."""

    kind: InputKind
    values: NDArray[Any]

    @property
    def samples(self) -> int:
        """N."""
        return self.values.shape[0 if self.kind is InputKind.STATIC else 1]

    @property
    def frame(self) -> Shape:
        """(C, H, W)."""
        c, h, w = self.values.shape[-3:]
        return c, h, w

    @property
    def steps(self) -> int | None:
        """T of frames; a static image has none."""
        return None if self.kind is InputKind.STATIC else self.values.shape[0]

    def digest(self) -> str:
        """sha256 of the values as int32: tells whether two runs of integers had the same input."""
        return hashlib.sha256(np.ascontiguousarray(self.values, "<i4").tobytes()).hexdigest()

    def at(self, t: int) -> NDArray[Any]:
        """The frame [N, C, H, W] of step t."""
        return self.values if self.kind is InputKind.STATIC else self.values[t]


class Layout(Enum):
    """Order of the axes of an array file.

    TCHW is one sample. TN-CHW has steps and samples in one axis, step by step; NT-CHW sample by sample.
    """

    NCHW = "NCHW"
    TNCHW = "TNCHW"
    NTCHW = "NTCHW"
    TCHW = "TCHW"
    TN_CHW = "TN-CHW"
    NT_CHW = "NT-CHW"

    @property
    def rank(self) -> int:
        """Number of axes."""
        return 5 if self in (Layout.TNCHW, Layout.NTCHW) else 4

    @property
    def kind(self) -> InputKind:
        """NCHW is one image for all steps; every other layout has a frame per step."""
        return InputKind.STATIC if self is Layout.NCHW else InputKind.FRAMES


LAYOUTS = tuple(layout.value for layout in Layout)


HALF_BYTE, BYTE = 128, 255
"""The largest value of an array of pixels of 8 bits is about always one of these or between them."""


def load_array(path: str | Path) -> NDArray[Any]:
    """The array in a .npy file: real finite numbers, at least one. Never unpickles; every error names the file."""
    where = str(path)
    try:
        with Path(path).open("rb") as f:
            array = np.lib.format.read_array(f, allow_pickle=False)
    except FileNotFoundError as e:
        raise Snn2ChipError("input-missing", where, "there is no such file") from e
    except OSError as e:
        raise Snn2ChipError(
            "input-unreadable", where, f"cannot be read: {(e.strerror or str(e)).lower()}"
        ) from e
    except (ValueError, EOFError, MemoryError) as e:
        raise Snn2ChipError(
            "input-unreadable", where, _unreadable(e), need="a whole .npy file of numbers"
        ) from e
    return _checked(where, array)


def parse_layout(name: str) -> Layout:
    """The layout called `name`."""
    if name not in LAYOUTS:
        raise Snn2ChipError(
            "layout-unknown",
            name,
            "is no layout",
            need=" | ".join(LAYOUTS),
            help=did_you_mean(name.upper(), LAYOUTS),
        )
    return Layout(name)


def guess_layout(
    array: NDArray[Any], kind: InputKind | None = None, shape: Shape | None = None
) -> tuple[Layout, str]:
    """(layout, the sentence that says so) from the number of axes, and from what the network takes if that is known."""
    rank = _rank(array, shape)
    if rank == 5:
        return Layout.TNCHW, "layout TNCHW (frames), because the input has 5 axes"
    if rank != 4:
        need = f"4 (NCHW) or 5 (TNCHW) axes; --layout knows {', '.join(LAYOUTS)}"
        raise Snn2ChipError(
            "input-rank", "input", "has no layout of this rank", have=_by(array.shape), need=need
        )
    if kind is InputKind.FRAMES:
        return Layout.TCHW, "layout TCHW (frames of one sample), because the input has 4 axes"
    return Layout.NCHW, "layout NCHW (one image for all steps), because the input has 4 axes"


def arrange(
    array: NDArray[Any],
    layout: str | None,
    kind: InputKind | None = None,
    shape: Shape | None = None,
    steps: int | None = None,
) -> InputData:
    """`array` in one of LAYOUTS (None: by its rank) as float64 [N, C, H, W] or [T, N, C, H, W].

    `kind`, `shape` (C, H, W) and `steps` are what the network takes, where they are known; what does not fit is an
    error.
    A network that takes n values has the shape (n, 1, 1); its arrays may leave H and W away.
    """
    chosen = parse_layout(layout) if layout is not None else guess_layout(array, kind, shape)[0]
    if _rank(array, shape) != chosen.rank:
        why = f"its rank does not fit the layout {chosen.value}"
        raise Snn2ChipError(
            "input-rank", "input", why, have=_by(array.shape), need=f"{chosen.rank} axes"
        )
    if kind is not None and chosen.kind is not kind:
        why = f"the network takes {_KINDS[kind]}, and the layout {chosen.value} has {_KINDS[chosen.kind]}"
        raise Snn2ChipError("input-kind", "input", why, need=_LAYOUTS_OF[kind], have=chosen.value)
    full = array if array.ndim == chosen.rank else array[..., None, None]
    data = InputData(
        kind=chosen.kind, values=frozen(_ordered(full, chosen, steps).astype(np.float64))
    )
    _check_frame(data, shape)
    if steps is not None and data.steps not in (None, steps):
        raise Snn2ChipError(
            "input-steps", "input", "has another T", have=f"T = {data.steps}", need=f"T = {steps}"
        )
    return data


def channels_help(frame: Shape, channels: int, kind: InputKind) -> str:
    """What to do where `frame`, read as (C, H, W), has not `channels` of them: they may be its last axis.

    >>> channels_help((32, 32, 3), 3, InputKind.STATIC)
    'the last axis fits: transpose it to NCHW, x.transpose(0, 3, 1, 2)'
    """
    if frame[2] != channels:
        return "is --layout right?"
    if kind is InputKind.STATIC:
        return "the last axis fits: transpose it to NCHW, x.transpose(0, 3, 1, 2)"
    return "the last axis fits: move it before H and W, numpy.moveaxis(x, -1, -3)"


def pixels_note(array: NDArray[Any]) -> str:
    """What to say of whole numbers that look like pixels of 8 bits; empty for all others.

    >>> pixels_note(np.array([0, 255], np.uint8))
    'input of whole numbers 0 … 255 (uint8), taken as they are: never rescaled'
    """
    low, high = array.min(), array.max()
    if low < 0 or not HALF_BYTE <= high <= BYTE or (array != np.floor(array)).any():
        return ""
    return (
        f"input of whole numbers {low:g} … {high:g} ({array.dtype}), taken as they are: "
        "never rescaled"
    )


_KINDS = {InputKind.STATIC: "one image for all steps", InputKind.FRAMES: "one frame per step"}
_LAYOUTS_OF = {
    kind: " | ".join(layout.value for layout in Layout if layout.kind is kind) for kind in InputKind
}


def _ordered(array: NDArray[Any], layout: Layout, steps: int | None) -> NDArray[Any]:
    if layout is Layout.NTCHW:
        return array.swapaxes(0, 1)
    if layout is Layout.TCHW:
        return array[:, None]
    if layout not in (Layout.TN_CHW, Layout.NT_CHW):
        return array
    if steps is None:
        why = f"the layout {layout.value} does not tell T"
        raise Snn2ChipError("input-steps", "input", why, help="give --steps T")
    if array.shape[0] % steps:
        have, need = f"{array.shape[0]} frames", f"a multiple of T = {steps}"
        raise Snn2ChipError(
            "input-steps", "input", "the first axis is not T times N", have=have, need=need
        )
    if layout is Layout.NT_CHW:
        return array.reshape(-1, steps, *array.shape[1:]).swapaxes(0, 1)
    return array.reshape(steps, -1, *array.shape[1:])


def _check_frame(data: InputData, shape: Shape | None) -> None:
    if shape is None or data.frame == shape:
        return
    why = (
        "has another number of channels"
        if data.frame[0] != shape[0]
        else "has another shape of a frame"
    )
    raise Snn2ChipError(
        "input-shape",
        "input",
        why,
        have=f"{_by(data.frame)} (C x H x W)",
        need=_by(shape),
        help=channels_help(data.frame, shape[0], data.kind)
        if data.frame[0] != shape[0]
        else "is --layout right?",
    )


def _rank(array: NDArray[Any], shape: Shape | None) -> int:
    """Number of axes, as if H and W were there."""
    vector = shape is not None and shape[1:] == (1, 1) and array.ndim < 4
    return array.ndim + 2 if vector else array.ndim


def _checked(where: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "biuf":
        what = "complex numbers" if array.dtype.kind == "c" else f"dtype {array.dtype}"
        raise Snn2ChipError("input-dtype", where, f"holds {what}", need="real numbers")
    if array.size == 0:
        raise Snn2ChipError(
            "input-empty", where, "has no samples", have=f"shape {list(array.shape)}"
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        value = array[tuple(bad[0])]
        raise Snn2ChipError(
            "input-values",
            where,
            f"is not finite: {value} at {bad[0].tolist()}",
            have=f"{len(bad)} such",
        )
    return array


def _unreadable(error: Exception) -> str:
    said = str(error)
    if "Object arrays" in said:
        return "holds Python objects, which are never unpickled"
    return "is no .npy file" if "magic string" in said else "is cut short or damaged"


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def few(samples: int, what: str) -> list[str]:
    """A line that `what` follows from few samples, where they are few.

    >>> few(2, "a front")
    ['2 samples: one decision is 50 %, so a front of so few is mostly noise; take 100 or more']
    """
    if samples >= FEW:
        return []
    part = f"one decision is {100 / samples:.2g} %"
    return [f"{samples} samples: {part}, so {what} of so few is mostly noise; take {FEW} or more"]
