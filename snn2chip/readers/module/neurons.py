"""Neurons of a framework, recognised by the names of their classes, so that no framework is imported."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np
import torch
from torch import Tensor, nn

from snn2chip.arrays import FloatArray, floats
from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import Shape
from snn2chip.neuron import NeuronModel
from snn2chip.readers.module.refuse import PACKAGES, Place, refused
from snn2chip.readers.module.values import Axes


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveNeuron:
    """One layer of a framework's neurons.

    `axes`: what it takes and gives. `remembers`: it keeps its membrane from call to call by itself. `assumed`: a
    sentence where the equations hold under a condition only.
    """

    model: NeuronModel
    axes: Axes
    remembers: bool = True
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a layer of neurons stands: the `shape` (C, H, W) it gets; `flat`: as vectors [N, C]."""

    place: Place
    shape: Shape
    flat: bool

    def error(
        self, why: str, *, have: object = "", need: str = "", help: str = ""
    ) -> Snn2ChipError:
        """The error about this layer."""
        return refused("module-neuron", self.place, why, have=have, need=need, help=help)

    def spread(self, values: Tensor | float, what: str) -> FloatArray:
        """Parameters as torch broadcasts them against the membranes, against (C, H, W)."""
        array = np.asarray(torch.as_tensor(values).detach().cpu().numpy(), np.float64)
        while array.ndim and array.shape[0] == 1:
            array = array[0]
        sizes = array.shape
        rest = (1,) * (3 - len(sizes)) + sizes if not self.flat else (sizes or (1,)) + (1, 1)
        fits = len(rest) == 3 and all(n in (1, m) for n, m in zip(rest, self.shape, strict=True))
        if not fits:
            raise self.error(f"{what} has another shape", have=list(sizes), need=str(self.shape))
        return floats(array.reshape(rest))

    def number(self, values: Tensor | float, what: str) -> float:
        """The one value that a parameter has."""
        array = torch.as_tensor(values).detach().flatten()
        if not len(array) or bool((array != array[0]).any()):
            raise self.error(f"{what} differs between neurons", need="one value for the layer")
        return float(array[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """`read`: the neurons of a class, by its name. `neurons`: names of modules (packages) whose classes are neurons.

    `prepare`: makes one neuron layer (a copy of the user's) forget everything, for a run of T steps.
    """

    name: str
    neurons: tuple[str, ...]
    read: Callable[[nn.Module, str, Spot], LiveNeuron]
    prepare: Callable[[nn.Module, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A class of a framework behind a module; `changed`: methods that the user's own subclass overrides."""

    framework: Framework
    kind: str
    changed: tuple[str, ...] = field(default=())


def recognise(module: nn.Module) -> Recognised | None:
    """The framework's neuron that a module is, or is derived from; None for every other module."""
    changed: list[str] = []
    for kind in type(module).__mro__:
        framework = _framework(kind.__module__)
        if framework is not None:
            return Recognised(framework=framework, kind=kind.__name__, changed=tuple(changed))
        own = (n for n, f in vars(kind).items() if callable(f) and n not in _HARMLESS)
        changed += own
    return None


_HARMLESS = ("__init__", "extra_repr", "__repr__")


def read_neuron(module: nn.Module, found: Recognised, spot: Spot) -> LiveNeuron:
    """The equations of a recognised neuron."""
    if found.changed:
        raise spot.error(
            f"{type(module).__name__} changes {found.kind} of {found.framework.name}",
            have=", ".join(found.changed),
            help="use the library's own neuron, or one that changes nothing but its parameters",
        )
    return found.framework.read(module, found.kind, spot)


def _framework(home: str) -> Framework | None:
    package = home.split(".")[0]
    if package not in PACKAGES:
        return None
    reader = import_module(f"snn2chip.readers.module.{package}")
    framework: Framework = reader.FRAMEWORK
    return framework if any(f"{home}.".startswith(f"{n}.") for n in framework.neurons) else None
