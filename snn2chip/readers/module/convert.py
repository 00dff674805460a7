"""A trace -> the layers of a Network: what each call of a layer and of a function means."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from snn2chip.network.types import INPUT, Flatten, Neuron, Shape
from snn2chip.readers.module.graph import Graph
from snn2chip.readers.module.layers import IDENTITIES, RESHAPES, operation
from snn2chip.readers.module.neurons import LiveNeuron, Recognised, Spot, read_neuron, recognise
from snn2chip.readers.module.proxy import Ref
from snn2chip.readers.module.refuse import Place, refused
from snn2chip.readers.module.tracer import Kind, Step, Trace
from snn2chip.readers.module.values import At, Axes, Meaning, Stack, State, Sum, is_one
from snn2chip.readers.module.views import reshape


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Neurons of the module in the Network. `layer`: their name there. `calls`: how often forward calls them."""

    path: str
    layer: str
    neuron: LiveNeuron
    calls: int


@dataclass(slots=True, kw_only=True)
class Converter:
    """Goes through a trace once. `meanings`: what every tensor of the trace stands for."""

    module: nn.Module
    trace: Trace
    graph: Graph
    axes: Axes
    batch: int
    meanings: dict[Ref, Meaning] = field(default_factory=dict[Ref, Meaning])
    neurons: dict[str, Placed] = field(default_factory=dict[str, Placed])
    assumed: list[str] = field(default_factory=list[str])
    _calls: Counter[str] = field(default_factory=Counter[str])
    _total: Counter[str] = field(default_factory=Counter[str])

    @property
    def steps(self) -> int:
        """T."""
        return self.graph.steps

    def step(self, step: Step, ref: Ref) -> None:
        """Gives the outputs of the input, or of a call of a module, their meanings."""
        if not self._total:
            self._total = Counter(s.name for s in self.trace.steps if s.kind is Kind.MODULE)
        if step.kind is Kind.INPUT:
            self.meanings[ref] = Sum(terms={At(INPUT): 1.0}, axes=self.axes)
        else:
            self._module(step, ref)

    def put(self, step: Step, ref: Ref, meaning: Meaning | tuple[Meaning, ...]) -> None:
        """`meaning` for the output `ref` of a step, after a look at its shape."""
        if isinstance(meaning, tuple):
            for i, part in enumerate(meaning):
                self.put(step, Ref(ref.step, (*ref.index, i)), part)
            return
        self.meanings[ref] = meaning
        if isinstance(meaning, Sum):
            self._check_shape(meaning, self.trace.tensor(ref), step.place)

    def sum_of(self, value: Any, place: Place) -> Sum:
        """The meaning of an argument that must be a tensor of the network's values."""
        meaning = self.meanings.get(value) if isinstance(value, Ref) else None
        if isinstance(meaning, Stack):
            raise refused(
                "module-function",
                place,
                f"{len(meaning.items)} tensors are stacked along axis {meaning.dim} and not summed",
                need="one value of every step, in their order, along axis 0 or 1",
            )
        if isinstance(meaning, Sum):
            return meaning
        if isinstance(meaning, State):
            raise refused(
                "module-state",
                place,
                f"the membrane of {meaning.path} is used as a value",
                help="a chip sends spikes only: use what the neurons fire",
            )
        what = type(value).__name__ if meaning is None else "it"
        raise refused(
            "module-unsupported", place, f"{what} is no tensor that follows from the input"
        )

    def inner(self, value: Ref, x: Sum) -> tuple[int, ...]:
        """Sizes of the example's tensor behind the axes of steps and samples."""
        return tuple(self.trace.tensor(value).shape[len(x.axes.sizes(self.steps, self.batch)) :])

    def reshaped(self, x: Sum, ref: Ref, axes: Axes, sizes: tuple[int, ...], place: Place) -> Sum:
        """`x` with other axes, and its map as it was or as a vector."""
        before = self.inner(ref, x)
        if sizes == before:
            return Sum(terms=x.terms, axes=axes, constant=x.constant, path=x.path)
        if len(sizes) != 1:
            raise refused(
                "module-unsupported",
                place,
                "reshapes a map into another map",
                have=f"{list(before)} to {list(sizes)}",
                need="the map as it is, or all of it as one vector",
            )
        at, of, factor = self.graph.value(x, place)
        flat = self.graph.add("flatten", f"{at.layer}#flat", Flatten(), (at,), place)
        return Sum(terms={flat: factor}, axes=Axes.TOTAL if of is Axes.TOTAL else axes)

    def layer(self, x: Sum, key: object, name: str, op: Any, place: Place) -> Sum:
        """An operation on a sum."""
        at, axes, factor = self.graph.value(x, place)
        if axes is Axes.TOTAL:
            return self._on_total(at, factor, key, name, op, place)
        return Sum(terms={self.graph.add(key, name, op, (at,), place): 1.0}, axes=axes)

    def _on_total(
        self, at: At, factor: float, key: object, name: str, op: Any, place: Place
    ) -> Sum:
        """A layer after the sum over the steps: f · Σ W s[t] + b = f · Σ (W s[t] + b) where f = 1/T."""
        constant = getattr(op, "bias", None) is not None
        if not is_one(factor * self.steps) and constant:
            raise refused(
                "module-readout",
                place,
                "a layer with a bias follows a sum over the steps",
                help="take the mean over the steps instead, or leave the bias away",
            )
        if isinstance(op, Neuron):
            raise refused("module-readout", place, "neurons follow a sum over the steps")
        return Sum(terms={self.graph.add(key, name, op, (at,), place): factor}, axes=Axes.TOTAL)

    def _module(self, step: Step, ref: Ref) -> None:
        module = self.module.get_submodule(step.name) if step.name else self.module
        place = Place(path=step.name, source=step.place.source)
        found = recognise(module)
        if found is not None:
            self._neuron(step, ref, module, found, place)
            return
        source: Any = step.args[0] if step.args else next(iter(step.kwargs.values()), None)
        x = self.sum_of(source, place)
        if isinstance(module, IDENTITIES):
            self.put(step, ref, x)
        elif isinstance(module, RESHAPES):
            self.put(step, ref, reshape(self, source, x, step.value, place))
        else:
            self._check_vector(module, source, x, place)
            op = operation(module, self._shape(x, place), place)
            self.put(step, ref, self.layer(x, step.name, step.name, op, place))

    def _shape(self, x: Sum, place: Place) -> Shape:
        at, _, _ = self.graph.value(x, place)
        return self.graph.shapes[at.layer]

    def _check_vector(self, module: nn.Module, source: Ref, x: Sum, place: Place) -> None:
        if isinstance(module, nn.Linear) and len(self.inner(source, x)) != 1:
            raise refused(
                "module-shape",
                place,
                "works on the last axis of a map",
                have=list(self.inner(source, x)),
                help="flatten the map first",
            )

    def _neuron(
        self, step: Step, ref: Ref, module: nn.Module, found: Recognised, place: Place
    ) -> None:
        source, *others = (*step.args, *step.kwargs.values())
        x = self.sum_of(source, place)
        spot = Spot(place=place, shape=self._shape(x, place), flat=len(self.inner(source, x)) == 1)
        neuron = read_neuron(module, found, spot)
        call = self._calls[step.name]
        self._calls[step.name] += 1
        self._check_calls(step.name, neuron, place)
        self._check_state(step.name, call, neuron, others, place)
        at, axes, _ = self.graph.value(x, place)
        if axes is not neuron.axes:
            raise refused(
                "module-steps",
                place,
                "the neurons get another order of steps and samples than they run",
                have=axes.value,
                need=neuron.axes.value,
            )
        unrolled = self._total[step.name] > 1
        if unrolled and at.step not in (None, call):
            raise refused(
                "module-loop",
                place,
                f"call {call} of these neurons gets what belongs to step {at.step}",
                help="let every step use what arrives in it",
            )
        layer = self._placed(step.name, neuron, (At(at.layer),), place)
        out = Sum(terms={At(layer, call if unrolled else None): 1.0}, axes=axes)
        self._outputs(step, ref, out, State(step.name, call))

    def _placed(self, path: str, neuron: LiveNeuron, inputs: tuple[At, ...], place: Place) -> str:
        known = self.neurons.get(path)
        if known is None:
            op = Neuron(model=neuron.model)
            at = self.graph.add(path, path or "neurons", op, inputs, place)
            self.neurons[path] = Placed(
                path=path, layer=at.layer, neuron=neuron, calls=self._total[path]
            )
            self.assumed += neuron.assumed
            return at.layer
        have = next(x.inputs for x in self.graph.layers if x.name == known.layer)
        if have != tuple(at.layer for at in inputs):
            raise refused(
                "module-shared",
                place,
                "these neurons are used for two things, which share their membranes",
                have=f"{have[0]} and {inputs[0].layer}",
                help="give each its own neurons",
            )
        return known.layer

    def _check_calls(self, path: str, neuron: LiveNeuron, place: Place) -> None:
        allowed = (1,) if neuron.axes.whole else (1, self.steps)
        if self._total[path] not in allowed:
            raise refused(
                "module-shared",
                place,
                "these neurons are called more than once in a step, and share their membranes",
                have=f"{self._total[path]} calls",
                need=" or ".join(str(n) for n in dict.fromkeys(allowed)),
                help="give each use its own neurons; a loop over the steps must run T times",
            )

    def _check_state(
        self, path: str, call: int, neuron: LiveNeuron, given: list[Any], place: Place
    ) -> None:
        """The state that goes in is the one that the call before gave; first, it is none, or zeros."""
        refs = [r for r in leaves(given) if isinstance(r, Ref)]
        states = [self.meanings.get(r) for r in refs]
        fresh = [x for x in leaves(given) if x is not None and not isinstance(x, Ref)]
        if call == 0:
            zeros = not any(_is_set(x) for x in fresh)
            fits = not refs and zeros and (not fresh or neuron.model.v_init == 0.0)
        elif not refs:
            fits = neuron.remembers and not fresh
        else:
            fits = not fresh and all(s == State(path, call - 1) for s in states)
        if not fits:
            raise refused(
                "module-state",
                place,
                "the state that goes into these neurons is not what they returned in the step before",
                help="start without a state, or with zeros, and pass on what comes out",
            )

    def _outputs(self, step: Step, ref: Ref, spikes: Sum, state: State) -> None:
        if isinstance(step.value, Tensor):
            self.put(step, ref, spikes)
            return
        self.put(step, Ref(ref.step, (0,)), spikes)
        for i, part in enumerate(step.value[1:], 1):
            self._put_states(Ref(ref.step, (i,)), part, state)

    def _put_states(self, ref: Ref, value: Any, state: State) -> None:
        if isinstance(value, Tensor):
            self.meanings[ref] = state
        elif isinstance(value, tuple | list):
            for i, part in enumerate(value):
                self._put_states(Ref(ref.step, (*ref.index, i)), part, state)

    def _check_shape(self, x: Sum, tensor: Tensor, place: Place) -> None:
        """Our reading of the axes against the example's own shape."""
        first = next(iter(x.terms), None)
        if first is None:
            return
        shape, have = self.graph.shapes[first.layer], tuple(tensor.shape)
        before = x.axes.sizes(self.steps, self.batch)
        fits = have[: len(before)] == before and math.prod(have) == math.prod(before) * math.prod(
            shape
        )
        inner = have[len(before) :]
        if not fits or not (inner == shape or (shape[1:] == (1, 1) and inner[:1] == shape[:1])):
            raise refused(
                "module-shape",
                place,
                "the meaning of a tensor's axes is not understood",
                have=list(have),
                need=f"{x.axes.value}: {[*before, *shape]}",
            )


def leaves(value: Any) -> list[Any]:
    """What is in nested tuples, lists and dicts."""
    if isinstance(value, dict):
        return [x for v in value.values() for x in leaves(v)]
    if isinstance(value, tuple | list):
        return [x for v in value for x in leaves(v)]
    return [value]


def _is_set(value: Any) -> bool:
    return not isinstance(value, Tensor) or bool(torch.count_nonzero(value))
