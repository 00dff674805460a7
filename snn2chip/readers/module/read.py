"""A live module and an example -> a Network, and the module as something that can be run beside it."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snn2chip.arrays import floats
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData, Layout, arrange, guess_layout, parse_layout
from snn2chip.network.types import (
    Layer,
    Network,
    NetworkInput,
    Neuron,
    Provenance,
    ReadOut,
    Scale,
)
from snn2chip.readers.module.convert import Converter, Placed, leaves
from snn2chip.readers.module.functions import convert
from snn2chip.readers.module.graph import Graph
from snn2chip.readers.module.leaf import is_leaf
from snn2chip.readers.module.neurons import recognise
from snn2chip.readers.module.proxy import Ref
from snn2chip.readers.module.refuse import Place, refused
from snn2chip.readers.module.run import Feed, LiveRun, copied, dtype_of, forget, takes_state
from snn2chip.readers.module.tracer import trace
from snn2chip.readers.module.values import At, Axes, State, Sum, is_one
from snn2chip.readers.options import whole

_AXES = {
    Layout.NCHW: Axes.STEP,
    Layout.TNCHW: Axes.TIME,
    Layout.NTCHW: Axes.SECOND,
    Layout.TCHW: Axes.MERGED,
    Layout.TN_CHW: Axes.MERGED,
    Layout.NT_CHW: Axes.MERGED_SECOND,
}

_END = Place(path="", source="")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadLive:
    """What a module was understood as. `run`: its own forward, on any input that fits."""

    network: Network
    inputs: InputData
    run: LiveRun


def read_module(module: nn.Module, example: object, steps: int, layout: str | None) -> ReadLive:
    """The network of `module`, for T = `steps`; `example` is what its forward takes, in `layout`.

    Where forward takes one step, it may be given one image (NCHW), shown at every step, or the frames of all steps.
    The module stays as it is: a copy in evaluation mode runs.
    """
    array = _array(example)
    inputs, feed, sentence = _inputs(array, layout, steps)
    copy = copied(module).eval().cpu()
    feed, converter, output = _understood(copy, inputs, feed)
    network, neurons = _network(module, converter, output, inputs, feed, sentence)
    return ReadLive(
        network=network,
        inputs=inputs,
        run=LiveRun(module=copy, feed=feed, neurons=neurons, network=network),
    )


def _array(example: object) -> NDArray[Any]:
    array = example.detach().cpu().numpy() if isinstance(example, Tensor) else np.asarray(example)
    if array.dtype.kind not in "biuf" or not array.size or not np.isfinite(array).all():
        raise Snn2ChipError(
            "module-example",
            "example_input",
            "is no array of finite numbers",
            have=f"{type(example).__name__} of {array.dtype}",
            need="one tensor, as forward takes it",
        )
    return array


def _inputs(array: NDArray[Any], layout: str | None, steps: int) -> tuple[InputData, Feed, str]:
    """The example as an input, how forward gets such inputs, and a sentence where the layout was guessed."""
    whole("steps", steps)
    wanted = None if layout is None else parse_layout(layout)
    vector = array.ndim < 4 if wanted is None else array.ndim == wanted.rank - 2
    full = array[..., None, None] if vector else array
    chosen, sentence = guess_layout(full) if wanted is None else (wanted, "")
    inputs = arrange(full, chosen.value, steps=steps)
    return inputs, Feed(layout=chosen, steps=steps, vector=vector), sentence


def _understood(copy: nn.Module, inputs: InputData, feed: Feed) -> tuple[Feed, Converter, Any]:
    """The trace of forward as it takes the example, or of one step of it where forward takes one step."""
    looped = replace(feed, looped=True)
    try:
        converter, output = _converted(copy, inputs, feed)
    except Snn2ChipError as whole:
        if feed.layout is Layout.NCHW:
            raise
        try:
            converter, output = _converted(copy, inputs, looped)
        except Snn2ChipError as single:
            foreign = whole.finding.code == "module-run" and single.finding.code != "module-run"
            raise (single if foreign else whole) from None
        feed = looped
    if _one_step(converter) and not feed.looped:
        feed = looped
        if feed.layout is not Layout.NCHW:
            converter, output = _converted(copy, inputs, feed)
    threads = feed.looped and takes_state(copy) and _returns_state(converter, output)
    _check_memory(converter, feed, threads)
    return replace(feed, threads=threads), converter, output


def _returns_state(c: Converter, output: Any) -> bool:
    """Whether forward returns (answer, state of neurons)."""
    if not isinstance(output, tuple) or len(output) != 2:
        return False
    refs = [x for x in leaves(output[1]) if isinstance(x, Ref)]
    return bool(refs) and all(isinstance(c.meanings[r], State) for r in refs)


def _check_memory(c: Converter, feed: Feed, threads: bool) -> None:
    """Neurons that keep no state themselves must get it from step to step."""
    forgetful = [p.path for p in c.neurons.values() if not p.neuron.remembers]
    if feed.looped and forgetful and not threads and feed.steps > 1:
        raise refused(
            "module-state",
            Place(path=forgetful[0], source=""),
            "forward runs one step, and these neurons forget everything between two calls of it",
            help="write forward(self, x, state=None) and return (y, state), or loop over the steps inside",
        )


def _one_step(c: Converter) -> bool:
    return all(p.calls == 1 and p.neuron.axes is Axes.STEP for p in c.neurons.values())


def _converted(copy: nn.Module, inputs: InputData, feed: Feed) -> tuple[Converter, Any]:
    array = feed.arrays(inputs)[0]
    forget(copy, feed.steps)
    traced = trace(copy, torch.tensor(np.ascontiguousarray(array), dtype=dtype_of(copy)), is_leaf)
    forget(copy, feed.steps)
    converter = Converter(
        module=copy,
        trace=traced,
        graph=Graph(shape=inputs.frame, steps=feed.steps),
        axes=Axes.STEP if feed.looped else _AXES[feed.layout],
        batch=inputs.samples,
    )
    convert(converter)
    _check_calls(converter)
    return converter, traced.output


def _check_calls(c: Converter) -> None:
    """Neurons that run one step are all called once, or all T times."""
    single = {p.path: p.calls for p in c.neurons.values() if not p.neuron.axes.whole}
    whole = [p.path for p in c.neurons.values() if p.neuron.axes.whole]
    if len(set(single.values())) > 1 or (whole and 1 in single.values() and c.steps > 1):
        path = min(single, key=lambda p: single[p])
        raise refused(
            "module-steps",
            Place(path=path, source=""),
            "these neurons run one step where others of the module run all T",
            have=f"{single[path]} call",
            need=f"{c.steps} calls, or their multi-step mode",
        )


def _network(
    module: nn.Module,
    c: Converter,
    output: Any,
    inputs: InputData,
    feed: Feed,
    sentence: str,
) -> tuple[Network, tuple[Placed, ...]]:
    readout, assumed = _readout(c, _answer(c, output))
    used = _ancestors(c.graph.layers, readout.layer)
    dead = [x.name for x in c.graph.layers if x.name not in used]
    layers = tuple(x for x in c.graph.layers if x.name in used)
    neurons = tuple(p for p in c.neurons.values() if p.layer in used)
    if not any(isinstance(x.op, Neuron) for x in layers):
        raise refused(
            "module-neurons",
            _END,
            "no neurons of SpikingJelly, norse, snnTorch or sinabs lead to its answer",
            help="is this the spiking module?",
        )
    training = (
        ["evaluation mode: no dropout, batch norms by their running statistics"]
        if module.training
        else []
    )
    frameworks = dict.fromkeys(
        found.framework.name
        for p in neurons
        if (found := recognise(c.module.get_submodule(p.path))) is not None
    )
    guessed = [sentence] if sentence else []
    network = Network(
        input=NetworkInput(shape=inputs.frame, kind=inputs.kind),
        steps=feed.steps,
        layers=layers,
        readout=readout,
        provenance=Provenance(
            path=f"{type(module).__module__}.{type(module).__qualname__}",
            sha256=_digest(module),
            system=" and ".join(frameworks),
            arch=type(module).__name__,
            options={"T": feed.steps, "layout": feed.layout.value},
            assumed=(*guessed, *training, *assumed, *c.assumed),
            used=len(module.state_dict()),
            unused=(
                *(f"{name} (its output does not reach the answer)" for name in dead),
                *_never_called(c),
            ),
        ),
    )
    return network, neurons


def _answer(c: Converter, output: Any) -> Sum:
    """The one tensor that forward returns, beside states of neurons."""
    refs = [x for x in leaves(output) if isinstance(x, Ref)]
    sums = [c.sum_of(r, _END) for r in refs if not isinstance(c.meanings[r], State)]
    if len(sums) != 1:
        raise refused(
            "module-readout",
            _END,
            "forward must return one tensor, beside membranes",
            have=f"{len(sums)} tensors",
            help="return the output of the last layer, of every step, or summed over the steps",
        )
    return sums[0]


def _readout(c: Converter, answer: Sum) -> tuple[ReadOut, list[str]]:
    at, axes, factor = c.graph.value(answer, _END)
    if at.step is not None:
        raise refused(
            "module-readout",
            _END,
            "forward returns what one step of the loop gives",
            have=f"step {at.step} of {at.layer}",
            help="return the sum or the mean over the steps, or torch.stack all of them",
        )
    if axes is not Axes.TOTAL:
        sentence = f"the answer is the mean over the T steps of what forward returns ({at.layer})"
        return ReadOut(layer=at.layer, mean=True), [sentence]
    if is_one(factor * c.steps):
        return ReadOut(layer=at.layer, mean=True), []
    if not is_one(factor):
        scale = Scale(scale=floats([[[factor]]]))
        at = c.graph.add(("scale", factor), f"{at.layer}#scaled", scale, (At(at.layer),), _END)
    return ReadOut(layer=at.layer, mean=False), []


def _ancestors(layers: list[Layer], name: str) -> set[str]:
    """Names of all layers that `name` depends on, itself included."""
    wanted = {name}
    for layer in reversed(layers):
        if layer.name in wanted:
            wanted.update(layer.inputs)
    return wanted


def _never_called(c: Converter) -> list[str]:
    """Modules with weights of their own that forward never called."""
    called = {s.name for s in c.trace.steps} | {s.place.path for s in c.trace.steps}
    owners = {name.rpartition(".")[0] for name, _ in c.module.named_parameters()}
    return [f"{path} (forward never calls it)" for path in sorted(owners - called) if path]


def _digest(module: nn.Module) -> str:
    """sha256 of the module's class and of all its tensors."""
    digest = hashlib.sha256(f"{type(module).__module__}.{type(module).__qualname__}".encode())
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()
