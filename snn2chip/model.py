"""One model, from a file and what the user says about it: a Network, its input, and the same as plain PyTorch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from snn2chip.errors import Finding, Snn2ChipError
from snn2chip.inputs import (
    InputData,
    Layout,
    arrange,
    guess_layout,
    load_array,
    parse_layout,
    pixels_note,
)
from snn2chip.network.types import InputKind, Network, Shape
from snn2chip.recording import Outputs

if TYPE_CHECKING:
    from snn2chip.quantize.types import QuantizedCircuit
    from snn2chip.zoo.model import SpikingNet

HDF5 = b"\x89HDF\r\n\x1a\n"
"""First bytes of a `.nir` file, whatever it is called."""


IN_MEMORY = "module:"
"""What stands before the class of a module that was read in memory, in place of a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """Which file, and what it cannot say.

    `arch`: architecture by name, where the keys do not tell. `options`: constructor arguments of the authors' code.
    `shape`: (C, H, W) of a frame, where no input tells it. `steps`: T. `convention`: how a foreign `.nir` file is
    meant. `input_path`: a .npy array in `layout` (one of inputs.LAYOUTS; None: by its rank).
    """

    path: str
    arch: str | None = None
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    shape: Shape | None = None
    steps: int | None = None
    convention: str | None = None
    input_path: str | None = None
    layout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """`zoo`: makes the plain PyTorch module; `write_twin`: writes a quantized circuit in the file's own layout.

    It returns why float32 code may fire other spikes (readers/types.py). Both are None for `.nir` files, and
    `write_twin` where the reader cannot invert its lowering. `live`: the module in memory that was read.
    """

    network: Network
    inputs: InputData | None
    zoo: "Callable[[], SpikingNet] | None" = None
    write_twin: "Callable[[QuantizedCircuit, Path], tuple[str, ...]] | None" = None
    live: "Live | None" = None


class Live(Protocol):
    """A module in memory that can be run: spikes [T, N, ...] by layer."""

    def __call__(self, inputs: InputData) -> Mapping[str, Outputs]:
        """What the module's own forward fires."""
        ...

    def twin(self, qc: "QuantizedCircuit") -> "tuple[Live, tuple[str, ...]]":
        """(a copy with the weights of `qc`, why its float code may fire other spikes); StatementError if none can."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest(ModelRequest):
    """A module in memory, read already; `path` is the name of its class."""

    loaded: LoadedModel


def load_model(request: ModelRequest) -> LoadedModel:
    """Read the file and the input; Snn2ChipError for whatever is missing, malformed or contradictory.

    Assumptions go into the network's provenance.
    """
    if isinstance(request, LiveRequest):
        return request.loaded
    if request.path.startswith(IN_MEMORY):
        why = "was a module in memory, which is gone"
        raise Snn2ChipError("module-gone", request.path, why, help="run the script that read it")
    _check_steps(request.steps)
    array = None if request.input_path is None else load_array(request.input_path)
    return (
        _of_nir(request, array) if _is_nir(Path(request.path)) else _of_checkpoint(request, array)
    )


def notes_of(request: ModelRequest) -> tuple[Finding, ...]:
    """What is unusual in the file of a model and is read all the same; Snn2ChipError where it is no such file."""
    if isinstance(request, LiveRequest) or not _is_nir(Path(request.path)):
        return ()
    from snn2chip.readers.nir import nir_notes

    return nir_notes(Path(request.path), request.convention)


def _check_steps(steps: object) -> None:
    """T as the command line gives it may be any JSON value."""
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        why = f"T = {steps} is not allowed"
        raise Snn2ChipError("option-value", "--steps", why, need="a whole number of at least 1")


def _of_checkpoint(request: ModelRequest, array: NDArray[Any] | None) -> LoadedModel:
    from snn2chip.readers.checkpoint import load_container
    from snn2chip.readers.claims import with_trained_frame
    from snn2chip.readers.registry import system_of
    from snn2chip.readers.types import ReadRequest

    if request.convention is not None:
        raise Snn2ChipError(
            "option-unknown", "--convention", f"is for .nir files, and {request.path} is none"
        )
    inputs = (
        None
        if array is None
        else arrange(array, request.layout, None, request.shape, request.steps)
    )
    given = request.shape if inputs is None else inputs.frame
    container, shape = with_trained_frame(load_container(request.path), given)
    asked = ReadRequest(
        arch=request.arch,
        options=request.options,
        shape=shape,
        steps=request.steps,
        frames=None if inputs is None else inputs.steps,
    )
    read = system_of(container, request.arch).read(container, asked)
    return LoadedModel(
        network=_as_given(read.network, request, array),
        inputs=inputs,
        zoo=read.module,
        write_twin=read.write_twin,
    )


def _of_nir(request: ModelRequest, array: NDArray[Any] | None) -> LoadedModel:
    from snn2chip.readers.nir import read_nir

    if request.options or request.arch is not None:
        name = next(iter(request.options), "arch")
        raise Snn2ChipError(
            "option-unknown", name, f"is for checkpoints, and {request.path} is a .nir file"
        )
    kind, frames = _frames_of(request, array)
    network = read_nir(Path(request.path), request.convention, request.steps or frames, kind)
    network = _with_source_of_steps(network, request)
    shape = network.input.shape
    if request.shape not in (None, shape):
        have, need = str(request.shape), f"{shape}, as in {request.path}"
        raise Snn2ChipError("input-shape", "--shape", "is not the file's", have=have, need=need)
    inputs = (
        None
        if array is None
        else arrange(array, request.layout, network.input.kind, shape, network.steps)
    )
    return LoadedModel(
        network=_as_given(network, request, array), inputs=inputs, zoo=None, write_twin=None
    )


def _with_source_of_steps(network: Network, request: ModelRequest) -> Network:
    """`network` of a foreign file with where T comes from; a file of our own says that itself."""
    p = network.provenance
    if "convention" not in p.sources or "steps" in p.sources:
        return network
    sources = {**p.sources, "steps": "the input" if request.steps is None else "--steps"}
    return replace(network, provenance=replace(p, sources=sources))


def _frames_of(request: ModelRequest, array: NDArray[Any] | None) -> tuple[InputKind, int | None]:
    """(kind, T) that an input for a `.nir` file says; arrays of vectors leave H and W away."""
    if array is None:
        return InputKind.FRAMES, None
    vector = (array.shape[-1], 1, 1) if array.ndim < 4 else None
    layout = (
        guess_layout(array, None, vector)[0]
        if request.layout is None
        else parse_layout(request.layout)
    )
    axis = {Layout.TNCHW: 0, Layout.NTCHW: 1, Layout.TCHW: 0}.get(layout)
    return layout.kind, None if axis is None else array.shape[axis]


def _is_nir(path: Path) -> bool:
    """By name or by first bytes. A file that cannot be opened is left to the reader, which says why."""
    if path.suffix == ".nir":
        return True
    try:
        with path.open("rb") as f:
            return f.read(len(HDF5)) == HDF5
    except OSError:
        return False


def _as_given(network: Network, request: ModelRequest, array: NDArray[Any] | None) -> Network:
    """`network` with the sentences on values that nothing rescales, and on the layout where that was guessed."""
    if array is None:
        return network
    said = [pixels_note(array)]
    if request.layout is None:
        said.append(guess_layout(array, network.input.kind, network.input.shape)[1])
    assumed = (*network.provenance.assumed, *filter(None, said))
    return replace(network, provenance=replace(network.provenance, assumed=assumed))
