"""What NIR cannot say about a circuit, as words for `requires` and as sentences for people."""

from collections.abc import Callable, Mapping

import numpy as np

from snn2chip.circuit.nir_layout import bias_carrier
from snn2chip.circuit.types import Circuit, InputKind, Population, Role
from snn2chip.neuron import Compare, Emits, Reset

KNOWN = (
    "bias",
    "compare",
    "gain",
    "graded",
    "late_reset",
    "levels",
    "mean",
    "multispike",
    "no_reset",
    "per_step",
    "rounding",
    "static_input",
    "subtract_reset",
    "v_min",
)
"""All words that `requires` may hold."""


def requires(circuit: Circuit) -> tuple[str, ...]:
    """The words of `KNOWN` that hold for `circuit`, in alphabetical order."""
    found = {
        word for word, test in _TESTS.items() if any(test(circuit, p) for p in circuit.populations)
    }
    if circuit.input.kind is InputKind.STATIC:
        found.add("static_input")
    if circuit.readout.mean:
        found.add("mean")
    return tuple(sorted(found))


def words_of(circuit: Circuit, population: Population) -> tuple[str, ...]:
    """The words of `KNOWN` that hold for one population."""
    return tuple(word for word, test in _TESTS.items() if test(circuit, population))


def sentence_of(word: str) -> str:
    """What a word of `KNOWN` says."""
    return _SENTENCES[word]


def foreign_notes(circuit: Circuit) -> tuple[str, ...]:
    """Sentences for the one who takes the `.nir` file of `circuit` to another tool: where its dynamics would differ.

    The weights and edges of the file are plain NIR; each sentence names one thing that NIR has no words for.
    """
    words = requires(circuit)
    return tuple(
        f"other tools would read other dynamics: {_sentence(circuit, word)}" for word in words
    )


def _sentence(circuit: Circuit, word: str) -> str:
    if word not in _TESTS:
        return _SENTENCES[word]
    names = [p.name for p in circuit.populations if _TESTS[word](circuit, p)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{_SENTENCES[word]} ({', '.join(names[:3])}{more})"


def _spikes(p: Population) -> bool:
    return p.neuron.emits in (Emits.SPIKE, Emits.MULTISPIKE)


def _remembers(p: Population) -> bool:
    return _spikes(p) and bool(np.any(p.neuron.decay != 0))


def _uneven_bias(circuit: Circuit, p: Population) -> bool:
    return p.bias.ndim == 3 and bool(p.bias.any()) and bias_carrier(circuit, p) is None


def _per_step(_: Circuit, p: Population) -> bool:
    return p.bias.ndim == 4 or (p.neuron.gain is not None and p.neuron.gain.ndim == 4)


# Gates compare whole numbers, and their nodes hold a threshold half a unit lower: `>` says there what `>=` says here.
_TESTS: Mapping[str, Callable[[Circuit, Population], bool]] = {
    "bias": _uneven_bias,
    "compare": lambda _, p: (
        _spikes(p) and p.neuron.compare is Compare.GREATER_EQUAL and p.origin.role is not Role.GATE
    ),
    "gain": lambda _, p: p.neuron.gain is not None and p.neuron.gain.ndim != 4,
    "graded": lambda _, p: p.neuron.emits is Emits.GRADED,
    "late_reset": lambda _, p: p.neuron.late_reset,
    "levels": lambda _, p: len(p.neuron.levels) > 1,
    "multispike": lambda _, p: p.neuron.emits is Emits.MULTISPIKE,
    "no_reset": lambda _, p: _remembers(p) and p.neuron.reset is Reset.NONE,
    "per_step": _per_step,
    "rounding": lambda _, p: p.neuron.rounding is not None,
    "subtract_reset": lambda _, p: _remembers(p) and p.neuron.reset is Reset.SUBTRACT,
    "v_min": lambda _, p: p.neuron.v_min is not None,
}

_SENTENCES: Mapping[str, str] = {
    "bias": "biases are not in the nodes: they differ between places, or come after a gain",
    "compare": "neurons fire at their threshold (>=), NIR says above it",
    "gain": "a gain of the input is written as r, which several tools ignore",
    "graded": "relays emit real numbers; they are written as Scale nodes",
    "late_reset": "the reset is subtracted in the step after the spike",
    "levels": "neurons have several thresholds; the nodes hold the first",
    "mean": "the answer is the mean over the steps, not the sum",
    "multispike": "neurons emit several spikes in one step",
    "no_reset": "neurons keep their membrane when they fire",
    "per_step": "gains or biases change from step to step; the nodes hold none",
    "rounding": "membranes are rounded as on the chip",
    "static_input": "one image is shown at every step; NIR has no word for it",
    "subtract_reset": "firing subtracts the threshold, NIR resets to v_reset",
    "v_min": "membranes have a floor",
}
