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
    """`run` is the function `run` of `module`.

    `proves`: what agreeing with the spec says, in words. `optional`: it needs more than snn2chip itself, so it is
    verified only where it is asked for. `extra`: the extra of snn2chip that brings its packages. `checks`: its module
    has a function `check()` that raises where something else is missing. `variant_of`: the same executor with other
    models, which `--engine all` leaves out. `twins`: its module has a function `run_twin`, too, which runs a
    QuantizedCircuit by its twin.
    """

    name: str
    level: Level
    module: str
    what: str
    proves: str = ""
    extra: str = ""
    checks: bool = False
    variant_of: str = ""
    twins: bool = False

    @property
    def levels(self) -> tuple[Level, ...]:
        """What it takes: its own level, and quantized circuits where it runs twins."""
        return (self.level, Level.QUANTIZED) if self.twins else (self.level,)

    @property
    def optional(self) -> bool:
        """Whether it needs something that snn2chip does not bring."""
        return self.checks or bool(self.extra)

    def load(self, level: Level | None = None) -> Callable[..., object]:
        """The engine's `run(level, inputs, ...) -> Recording`; an error says how to get a package that is missing.

        `level`: one of `levels`; None: the engine's own.
        """
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as e:
            if not self.extra:
                raise
            raise package_missing(f"--engine {self.name}", str(e.name), self.extra) from e
        if self.checks:
            module.check()
        return module.run if level in (None, self.level) else module.run_twin


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
            proves="the integer circuit, computed event by event",
        ),
        Engine(
            name="dense",
            level=Level.QUANTIZED,
            module="snn2chip.engines.dense",
            what="torch convolutions",
            proves="the integer circuit, computed with torch's convolutions",
        ),
        Engine(
            name="core",
            level=Level.PROGRAM,
            module="snn2chip.engines.core",
            what="the packed tables, chip time",
            proves="the packed tables: what each core holds, its axons, delays and resets, in chip time",
        ),
        Engine(
            name="onnx",
            level=Level.QUANTIZED,
            module="snn2chip.engines.onnx",
            what="standard operators in ONNX Runtime",
            proves="the integer circuit, in a runtime that is not ours; nothing of the chip",
            extra="onnx",
        ),
        Engine(
            name="lava",
            level=Level.QUANTIZED,
            module="snn2chip.engines.lava.engine",
            what="Lava's fixed-point processes, chip time",
            proves="the integer circuit and its schedule, in Intel's processes: delays and resets in chip time",
            checks=True,
        ),
        Engine(
            name="lava-fast",
            level=Level.QUANTIZED,
            module="snn2chip.engines.lava.fast",
            what="the same graph in Lava, faster models of ours",
            proves="as lava, with models of ours for its synapses",
            checks=True,
            variant_of="lava",
        ),
        Engine(
            name="norse",
            level=Level.CIRCUIT,
            module="snn2chip.engines.norse",
            what="norse's neurons, float32",
            proves="the integer circuit, by its twin in float32; nothing of the chip",
            extra="norse",
            twins=True,
        ),
    )
}


def package_missing(where: str, package: str, extra: str) -> Snn2ChipError:
    """The user's sentence for a package of an extra that is not installed."""
    return Snn2ChipError(
        "package-missing",
        where,
        f"needs the package {package}, which is not installed",
        help=f"pip install 'snn2chip[{extra}]'",
    )


def engine(name: str, levels: tuple[Level, ...] = tuple(Level), *others: str) -> Engine:
    """The engine called `name`, if it runs one of `levels`; else an error that lists what there is, and `others`."""
    names = tuple(e.name for e in ENGINES.values() if set(e.levels) & set(levels))
    if name in names:
        return ENGINES[name]
    known = (*names, *others)
    raise Snn2ChipError(
        "engine-unknown",
        "--engine",
        f"no engine {name!r} here",
        need=" | ".join(known),
        help=did_you_mean(name, known),
    )
