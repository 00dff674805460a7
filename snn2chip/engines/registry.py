"""The engines by name, and the level that each one runs. Imported when asked for, never before."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib import import_module

from snn2chip.errors import Snn2ChipError, did_you_mean


class Level(Enum):
    """What an engine takes."""

    NETWORK = "Network"
    CIRCUIT = "Circuit"
    QUANTIZED = "QuantizedCircuit"
    PROGRAM = "Program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`run` is the function `run` of `module`."""

    name: str
    level: Level
    module: str
    what: str

    def load(self) -> Callable[..., object]:
        """The engine's `run(level, inputs, ...) -> Recording`."""
        return import_module(self.module).run


ENGINES = {
    e.name: e
    for e in (
        Engine(
            name="float",
            level=Level.NETWORK,
            module="snn2chip.network.engine",
            what="torch, as the papers",
        ),
        Engine(
            name="circuit",
            level=Level.CIRCUIT,
            module="snn2chip.circuit.engine",
            what="numpy float64",
        ),
        Engine(
            name="spec",
            level=Level.QUANTIZED,
            module="snn2chip.engines.spec",
            what="the arithmetic, int64",
        ),
        Engine(
            name="layer",
            level=Level.QUANTIZED,
            module="snn2chip.engines.layer",
            what="event-driven, numba",
        ),
        Engine(
            name="dense",
            level=Level.QUANTIZED,
            module="snn2chip.engines.dense",
            what="torch convolutions",
        ),
        Engine(
            name="core",
            level=Level.PROGRAM,
            module="snn2chip.engines.core",
            what="the packed tables, chip time",
        ),
    )
}


def engine(name: str, levels: tuple[Level, ...] = tuple(Level)) -> Engine:
    """The engine called `name`, if it runs one of `levels`; else an error that lists what there is."""
    known = tuple(e.name for e in ENGINES.values() if e.level in levels)
    if name in known:
        return ENGINES[name]
    raise Snn2ChipError(
        "engine-unknown",
        "--engine",
        f"no engine {name!r} here",
        need=" | ".join(known),
        help=did_you_mean(name, known),
    )
