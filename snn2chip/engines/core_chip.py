"""The state of all cores during a run, what the host feeds them, and what is recorded."""

from collections.abc import Iterable, Sequence

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Shape
from snn2chip.engines import core_kernels as kernels
from snn2chip.engines.core_checks import HOST
from snn2chip.engines.core_host import Feed
from snn2chip.engines.core_tables import EMITS, Flat, Table, Tables, position_major
from snn2chip.neuron import Emits
from snn2chip.recording import Outputs


class Chip:
    """Cores that run. The only mutable value of the engine."""

    def __init__(
        self,
        flat: Flat,
        feed: Feed,
        shapes: Sequence[Shape],
        steps: int,
        samples: int,
        keep: Iterable[int],
    ) -> None:
        """`keep`: numbers of the populations to record; `steps` T, `samples` N."""
        self.tables: Tables = flat.tables
        self.state: kernels.State = _state(flat)
        self._feed, self._first = feed, flat.population_first
        self._steps, self._samples = steps, samples
        on_chip = [s for s in self.tables.senders if s["core"] != HOST]
        self._depth = {int(s["population"]): int(s["depth"]) for s in on_chip}
        self._silent = {
            int(s["population"]) for s, t in self._tiles() if EMITS[t["emits"]] is Emits.NOTHING
        }
        shape = {n: (samples, *shapes[n]) for n in self._depth}
        self._outputs = {n: np.zeros((steps, *shape[n]), np.int32) for n in keep if n in shape}
        self._potentials = {n: np.zeros(shape[n], np.int64) for n in self._silent}

    def run(self, step: int) -> None:
        """One chip step: the host's biases, the cores, the host's spikes; then keep what happened."""
        for sender, tile in self._tiles():
            self._add_bias(step, sender, tile)
        units = self._feed.units
        kernels.chip_step(step, self._samples * self._steps, units, self.tables, self.state)
        for i in range(len(self.tables.tiles), len(self.tables.senders)):
            sender = self.tables.senders[i]
            n = int(sender["population"])
            values = self._at(step - int(sender["depth"]), self._feed.values[n])
            if values is not None:
                flat = position_major(values).astype(np.int32)
                kernels.emit(step, i, True, units and n == 0, flat, self.tables, self.state)
        self._keep(step)

    def outputs(self) -> dict[int, Outputs]:
        """Outputs [T, N, C, H, W] by population: uint8 where the values fit, else int32."""
        fits = {
            n: v.size == 0 or (v.min() >= 0 and v.max() <= 255) for n, v in self._outputs.items()
        }
        return {n: v.astype(np.uint8) if fits[n] else v for n, v in self._outputs.items()}

    def potentials(self) -> dict[int, IntArray]:
        """Membranes [N, C, H, W] of read-outs at the end of each sample."""
        return dict(self._potentials)

    def extremes(self) -> dict[int, tuple[int, int]]:
        """(lowest, highest) membrane seen of each population; 0 is always among them."""
        found: dict[int, tuple[int, int]] = {}
        for i, (sender, _) in enumerate(self._tiles()):
            low, high = found.get(int(sender["population"]), (0, 0))
            seen = int(self.state.lowest[i]), int(self.state.highest[i])
            found[int(sender["population"])] = min(low, seen[0]), max(high, seen[1])
        return found

    def _tiles(self) -> Iterable[tuple[Table, Table]]:
        return zip(self.tables.senders, self.tables.tiles, strict=False)

    def _at(self, since: int, values: Outputs) -> Outputs | None:
        """The frame [C, H, W] of `values`, `since` steps after the first sample began; None outside the samples."""
        if not 0 <= since < self._samples * self._steps:
            return None
        sample, t = divmod(since, self._steps)
        return values[t if len(values) > 1 else 0, sample]

    def _add_bias(self, step: int, sender: Table, tile: Table) -> None:
        values = self._feed.biases.get(int(sender["population"]))
        if values is None:
            return
        held = self.state.input_bias[tile["neuron"] : tile["neuron"] + tile["neurons"]]
        frame = self._at(step - int(sender["depth"]), values)
        held[:] = 0 if frame is None else position_major(frame[_box(sender)])

    def _keep(self, step: int) -> None:
        for n, kept in self._outputs.items():
            since = step - self._depth[n]
            if 0 <= since < self._samples * self._steps:
                sample, t = divmod(since, self._steps)
                now = self.state.output[self._first[n] : self._first[n + 1]]
                kept[t, sample] = now.reshape(kept.shape[2:])
        for sender, tile in self._tiles():
            n, since = int(sender["population"]), step - int(sender["depth"])
            if n in self._silent and since >= 0 and since % self._steps == self._steps - 1:
                self._keep_potentials(self._potentials[n], since // self._steps, sender, tile)

    def _keep_potentials(self, kept: IntArray, sample: int, sender: Table, tile: Table) -> None:
        if sample < self._samples:
            v = self.state.v[tile["level"] : tile["level"] + tile["neurons"]]
            shape = (sender["rows"], sender["columns"], sender["channels"])
            kept[sample][_box(sender)] = np.moveaxis(v.reshape(shape), -1, 0)


def _box(sender: Table) -> tuple[slice, slice, slice]:
    c, y, x = int(sender["channel"]), int(sender["row"]), int(sender["column"])
    return (
        slice(c, c + int(sender["channels"])),
        slice(y, y + int(sender["rows"])),
        slice(x, x + int(sender["columns"])),
    )


def _state(flat: Flat) -> kernels.State:
    tables = flat.tables
    neurons, membranes = len(tables.delta), len(tables.theta)
    return kernels.State(
        v=np.zeros(membranes, np.int64),
        owed=np.zeros(membranes, np.int64),
        current=np.zeros(neurons, np.int32),
        input_bias=np.zeros(neurons, np.int64),
        fired=np.zeros(neurons, np.int32),
        output=np.zeros(int(flat.population_first[-1]), np.int32),
        queue_code=np.zeros(flat.queue, np.int32),
        queue_value=np.zeros(flat.queue, np.int32),
        queue_count=np.zeros(flat.counters, np.int64),
        lowest=np.zeros(len(tables.tiles), np.int64),
        highest=np.zeros(len(tables.tiles), np.int64),
        synops=np.zeros(len(tables.tiles), np.int64),
        spikes=np.zeros(len(tables.senders), np.int64),
        sent=np.zeros(len(tables.pair_first) - 1, np.int64),
    )
