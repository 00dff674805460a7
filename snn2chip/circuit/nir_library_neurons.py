"""Neurons of a Circuit in the numbers that each library's importer turns into the same step.

| library | what its importer makes of LIF | so decay d and threshold θ are written as |
|---|---|---|
| norse 1.1.0, dt=1 | u <- u + (x - u)/tau, u > θ', to 0; r ignored | tau = 1/(1 - d), θ' = θ/tau (u = v/tau) |
| snnTorch 1.0.0, dt 1e-4 | v <- (1 - dt/tau)·v + x, v > θ, to 0; IF gets a leak | tau = dt/(1 - d), r = tau/dt |
| SpikingJelly 2.0.0, dt=1 | r = tau: v <- v - v/tau + x, v >= θ, to 0; IF needs r = 1/dt | tau = r = 1/(1 - d) |
| sinabs 3.1.3 | v <- exp(-1/tau)·v + x, trunc(v/θ) spikes, each minus θ; IF has a floor | tau = -1/ln d, one number |
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray
from snn2chip.circuit.nir_file import NirNode
from snn2chip.circuit.nir_requires import sentence_of, words_of
from snn2chip.circuit.types import Circuit, Population
from snn2chip.errors import StatementError
from snn2chip.neuron import Compare, Emits, Reset

_NEVER = 2.0**60
"""tau of a neuron that keeps everything: 1 - dt/tau and exp(-1/tau) are 1 in float64 and float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """`call`: how it is imported; `convention`: how snn2chip reads such a file.

    `allowed`: words of KNOWN that it can say. `dt`: the time step of its importer. `uniform`: it wants one threshold
    and decay for a node. `walks`: it runs sums depth first (nirtorch.load).
    """

    name: str
    call: str
    convention: str
    allowed: frozenset[str]
    dt: float
    uniform: bool
    walks: bool


_HARD = frozenset({"compare", "mean", "static_input"})

LIBRARIES = {
    lib.name: lib
    for lib in (
        Library(
            name="norse",
            call="norse.torch.from_nir(graph, dt=1.0)",
            convention="norse,dt=1.0",
            allowed=_HARD,
            dt=1.0,
            uniform=False,
            walks=True,
        ),
        Library(
            name="snntorch",
            call="snntorch.import_nir.import_from_nir(graph)",
            convention="snntorch,reset=hard,reset_timing=same_step",
            allowed=_HARD,
            dt=1e-4,
            uniform=True,
            walks=False,
        ),
        Library(
            name="spikingjelly",
            call="spikingjelly.activation_based.nir_exchange.import_from_nir(graph, dt=1.0)",
            convention="spikingjelly,dt=1.0",
            allowed=_HARD,
            dt=1.0,
            uniform=True,
            walks=False,
        ),
        Library(
            name="sinabs",
            call="sinabs.nir.from_nir(graph, batch_size=N)",
            convention="sinabs,gain=1",
            allowed=frozenset({"compare", "mean", "multispike", "static_input", "subtract_reset"}),
            dt=1.0,
            uniform=True,
            walks=True,
        ),
    )
}
"""The libraries that a file can be written for."""


def check_represents(circuit: Circuit, library: Library) -> None:
    """StatementError `nir-library` with every reason for which `library` has no such neurons, and whose they are."""
    found: dict[str, list[str]] = {}
    for p in circuit.populations:
        for why in _reasons(circuit, p, library):
            found.setdefault(why, []).append(p.name)
    if found:
        reasons = "; ".join(f"{why} ({_some(names)})" for why, names in found.items())
        raise StatementError(
            "nir-library", library.name, f"cannot represent this network: {reasons}"
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _reasons(circuit: Circuit, p: Population, library: Library) -> Iterator[str]:
    m = p.neuron
    for word in words_of(circuit, p):
        if word not in library.allowed:
            yield sentence_of(word)
    if m.emits is Emits.NOTHING:
        if np.any(m.decay != 1):
            yield "a read-out that leaks"
        return
    if library.uniform and (np.ptp(m.threshold) or np.ptp(m.decay)):
        yield "thresholds or decays differ between neurons"
    if library.name == "spikingjelly" and np.any(m.decay == 0):
        yield "neurons without memory, tau is above dt there"
    if library.name == "sinabs" and m.emits is not Emits.MULTISPIKE:
        yield "neurons emit one spike in a step, there as many as the membrane holds thresholds"
    if library.name == "sinabs" and (
        m.reset is not Reset.SUBTRACT
        or m.compare is not Compare.GREATER_EQUAL
        or np.any(m.decay == 0)
    ):
        yield "firing is not at the threshold, or does not subtract it"


def neuron(p: Population, name: str, library: Library) -> NirNode:
    """The node of a population that `refusals` has nothing against."""
    decay, shape = p.neuron.decay, p.shape
    if library.name == "norse" and np.all(decay == 1):
        return _if(name, shape, _strict(p.neuron.threshold, p.neuron.compare))
    if library.name == "spikingjelly" and np.all(decay == 1):
        return _if(name, shape, _at(p.neuron.threshold, p.neuron.compare))
    if library.name == "sinabs":
        with np.errstate(divide="ignore"):
            tau = np.where(decay == 1, _NEVER, -1 / np.log(decay)).reshape(-1)[:1]
        return _lif(name, (1,), tau, np.ones(1), p.neuron.threshold.reshape(-1)[:1])
    tau = _tau(decay, library.dt)
    if library.name == "norse":
        threshold = _strict(p.neuron.threshold / tau, p.neuron.compare)
        return _lif(name, shape, tau, np.ones(1), threshold)
    if library.name == "spikingjelly":
        return _lif(name, shape, tau, tau, _at(p.neuron.threshold, p.neuron.compare))
    return _lif(name, shape, tau, tau / library.dt, _strict(p.neuron.threshold, p.neuron.compare))


def _tau(decay: FloatArray, dt: float) -> NDArray[np.float64]:
    """Tau with 1 - dt/tau = decay, the nearest where none has it exactly."""
    with np.errstate(divide="ignore"):
        tau = np.where(decay == 1, _NEVER, dt / (1 - decay))
    near = np.stack([tau, np.nextafter(tau, np.inf), np.nextafter(tau, 0)])
    best = np.abs(1 - dt / near - decay).argmin(axis=0)
    return np.take_along_axis(near, best[None], axis=0)[0]


def _strict(threshold: NDArray[np.float64], compare: Compare) -> NDArray[np.float32]:
    """θ' with v > θ' where v fires, for every float32 v."""
    if compare is Compare.GREATER:
        return _down(threshold)
    return np.nextafter(_up(threshold), np.float32(-np.inf))


def _at(threshold: NDArray[np.float64], compare: Compare) -> NDArray[np.float32]:
    """θ' with v >= θ' where v fires, for every float32 v."""
    if compare is Compare.GREATER_EQUAL:
        return _up(threshold)
    return np.nextafter(_down(threshold), np.float32(np.inf))


def _up(values: NDArray[np.float64]) -> NDArray[np.float32]:
    near = values.astype(np.float32)
    return np.where(near < values, np.nextafter(near, np.float32(np.inf)), near)


def _down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


def _if(name: str, shape: tuple[int, ...], threshold: NDArray[np.float32]) -> NirNode:
    ones = np.ones(shape, np.float32)
    fields = {"r": ones, "v_threshold": _full(threshold, shape), "v_reset": 0 * ones}
    return NirNode(name=name, type="IF", fields=fields)


def _lif(
    name: str,
    shape: tuple[int, ...],
    tau: NDArray[np.float64],
    r: NDArray[np.float64],
    threshold: NDArray[np.floating],
) -> NirNode:
    zero = np.zeros(shape)
    fields = {
        "tau": _full(tau, shape),
        "r": _full(r, shape),
        "v_leak": zero,
        "v_threshold": _full(threshold, shape),
        "v_reset": zero,
    }
    return NirNode(name=name, type="LIF", fields=fields)


def _full(values: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.floating]:
    return np.broadcast_to(values, shape).copy()
