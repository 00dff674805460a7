"""What a reader of checkpoints is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from snn2chip.network.types import Network, Shape
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.checkpoint import Container
from snn2chip.zoo.model import SpikingNet

WriteTwin = Callable[[QuantizedCircuit, Path], tuple[str, ...]]
"""Writes a quantized circuit as a checkpoint in the layout of the file it came from; returns caveats: why float32 code
may fire other spikes than the chip, empty where it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """What the user says beside the file.

    `arch`: architecture by name; `options`: constructor arguments by name. `shape` (C, H, W) of a frame, from the input
    or by hand; `steps`: T as the user wrote it. `frames`: T of an input of frames, None for a static image or no input.
    """

    arch: str | None = None
    options: Mapping[str, object]
    shape: Shape | None = None
    steps: object = None
    frames: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel:
    """A network, the same as a plain PyTorch module, and how to write its twin (None where that cannot be inverted)."""

    network: Network
    module: Callable[[], SpikingNet]
    write_twin: WriteTwin | None


class Match(Enum):
    """Whether a state dict is a system's. AMBIGUOUS: it could be, but the keys alone do not tell."""

    NO = "no"
    YES = "yes"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One family of networks. `archs`: names of `--arch`; `options`: names of `--option`."""

    name: str
    archs: tuple[str, ...]
    options: tuple[str, ...]
    recognise: Callable[[Container], Match]
    read: Callable[[Container, ReadRequest], ReadModel]
