"""The cost model against what is published, side by side: word counts, a compiler's tables, cores of networks."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from snn2chip.bench.placement import PlacementRow, placement_lines
from snn2chip.bench.published import anchors, rows
from snn2chip.bench.shapes import mobilenet, sew_resnet18, yolo_kp
from snn2chip.chip.formats.format import ONE_TILE
from snn2chip.chip.formats.loihi1_words import conv_weight_sets
from snn2chip.chip.formats.loihi2_words import dense_words, shared_words
from snn2chip.chip.map import plan_cores
from snn2chip.chip.pack import Plan
from snn2chip.chip.program import Coding
from snn2chip.chip.split import cores_alone
from snn2chip.chip.target import Target, load_target
from snn2chip.quantize.types import QuantizedCircuit


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRow:
    """One number: published, and ours. `tolerance`: the most that they may differ. `at_most`: ours may be less."""

    what: str
    published: float
    ours: float
    tolerance: float = 0.0
    at_most: bool = False

    @property
    def difference(self) -> float:
        """Ours - published."""
        return self.ours - self.published

    @property
    def holds(self) -> bool:
        """Whether ours is the published number, or is not above it."""
        if self.at_most:
            return self.ours <= self.published
        return abs(self.difference) <= self.tolerance

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "what": self.what,
            "published": self.published,
            "ours": self.ours,
            "difference": self.difference,
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows of one source. `unit` of its numbers; `note`: what was compared with what."""

    name: str
    unit: str
    note: str
    rows: tuple[MappingRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreRow:
    """Cores of one network on one target.

    `most`: what they are held to, and `whose`. `apart`: with a core for each tile. `alone`: the sum over layers of the
    fewest cores of each layer alone, a lower bound of `apart` however layers are split into tiles of one size.
    `neurons`: cores if neurons were the only limit, a lower bound of `cores`.
    """

    network: str
    target: str
    cores: int
    most: int
    whose: str
    apart: int
    alone: int
    neurons: int

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "network": self.network,
            "target": self.target,
            "cores": self.cores,
            "most": self.most,
            "whose": self.whose,
            "without_sharing": self.apart,
            "lower_bound_layers_alone": self.alone,
            "lower_bound_neurons": self.neurons,
            "holds": self.cores <= self.most,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingTable:
    """Everything that `bench mapping` compares. `placement`: where it was asked for; it takes minutes."""

    sections: tuple[Section, ...]
    cores: tuple[CoreRow, ...]
    placement: tuple[PlacementRow, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every row holds."""
        numbers = all(r.holds for s in self.sections for r in s.rows)
        numbers = numbers and all(r.holds for r in self.placement)
        return numbers and all(r.cores <= r.most for r in self.cores)

    def lines(self) -> list[str]:
        """The tables as text."""
        out: list[str] = []
        for s in self.sections:
            fine = sum(r.holds for r in s.rows)
            out += [f"{s.name} ({s.unit}): {fine} of {len(s.rows)} hold", f"  {s.note}"]
            out += [f"  {'':<46} {'published':>12} {'ours':>12} {'difference':>12}"]
            out += [_line(r) for r in s.rows] + [""]
        out += [
            "cores of whole networks",
            f"  {'':<46} {'at most':>12} {'ours':>12} a core for each tile (lower bounds)",
        ]
        out += [_core_line(r) for r in self.cores]
        return [*out, "", *placement_lines(self.placement)] if self.placement else out

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "sections": [
                {
                    "name": s.name,
                    "unit": s.unit,
                    "note": s.note,
                    "rows": [r.to_dict() for r in s.rows],
                }
                for s in self.sections
            ],
            "cores": [r.to_dict() for r in self.cores],
            "placement": [r.to_dict() for r in self.placement],
            "holds": self.holds,
        }


def bench_mapping() -> MappingTable:
    """All comparisons; some seconds, most of them for SEW ResNet-18 on Loihi 1."""
    loihi1, loihi2 = load_target("loihi1"), load_target("loihi2")
    sections = (_nengo(), _yolo(loihi2), _pilotnet(loihi2), _mobilenet(loihi1))
    return MappingTable(sections=sections, cores=tuple(_cores(loihi1, loihi2)))


def _nengo() -> Section:
    found = [
        MappingRow(
            what=f"{r['in_rows']}x{r['in_cols']}x{r['c_in']} -> {r['c_out_tile']}, {r['k']}x{r['k']}, "
            f"stride {r['stride']}, channels {'last' if r['channels_last'] else 'first'}",
            published=r["bits"],
            ours=conv_weight_sets(
                source=(r["in_rows"], r["in_cols"]),
                inputs=r["c_in"],
                channels=r["c_out_tile"],
                kernel=(r["k"], r["k"]),
                stride=(r["stride"], r["stride"]),
                weight_bits=8,
                channels_last=r["channels_last"],
            ).memory_bits,
        )
        for r in rows("nengo_loihi_conv_bits")
    ]
    return Section(
        name="nengo-loihi, synapse memory of one core of Loihi 1",
        unit="bits",
        note="nengo-loihi 1.1.0, population axons of 32, weights of 8 bits",
        rows=tuple(found),
    )


def _yolo(target: Target) -> Section:
    table = rows("loihi2_yolo_kp")
    decoded = anchors()["loihi2_yolo_kp"]["decoded"]["weight_bits_per_row"]
    found = [
        row
        for i, (r, bits) in enumerate(zip(table, decoded, strict=True))
        for row in _yolo_rows(target, r, max(bits) if isinstance(bits, list) else bits, i == 9)
    ]
    return Section(
        name="YOLO-KP, the table of Loihi 2's own compiler",
        unit="% of a core",
        note="as printed (two decimals); weight bits decoded; the total takes its axon memory from the printed column",
        rows=tuple(found),
    )


def _yolo_rows(target: Target, r: dict[str, Any], bits: int, last: bool) -> Iterator[MappingRow]:
    name = (
        f"{r['c_in']}->{r['c_out']} {r['k']}x{r['k']} on {r['out_hw']}x{r['out_hw']}, {bits} bits"
    )
    positions = r["tile_w"] * r["tile_h"]
    neurons = positions * r["tile_c"]
    words = {
        "neurons": neurons,
        "synapse_words": shared_words(r["c_in"] * r["k"] ** 2, r["tile_c"], bits),
        # The last layer has no consumer: its axon map has an entry for each neuron.
        "axon_map_words": neurons if last else positions,
    }
    memory = r["axonmem_pct"] / 100 * target.limit("axon_memory_words")
    printed = ("neurons_pct", "synapses_pct", "axonmap_pct", "total_pct")
    for (limit, have), column in zip(
        {**words, "total_words": sum(words.values()) + memory}.items(), printed, strict=True
    ):
        ours = 100 * have / target.limit(limit)
        yield MappingRow(
            what=f"{name}: {limit.replace('_', ' ')}",
            published=r[column],
            ours=round(ours, 4),
            tolerance=0.02,
        )


PILOTNET_BITS = {24: 6, 36: 6, 48: 6, 64: 4}
"""Weight bits by channels of a convolution, decoded from the printed words."""


def _pilotnet(target: Target) -> Section:
    bits = target.limit("dense_synapse_bits")
    printed = {r["layer"]: r["synapse_words_snn"] for r in rows("loihi2_pilotnet")}
    maps = [name for name in printed if name.startswith(("input", "conv"))]
    ours: dict[str, float] = {}
    for before, name in pairwise(maps):
        inputs, channels = (int(n.rsplit("x", 1)[1]) for n in (before, name))
        ours[name] = shared_words(inputs * 9, channels, PILOTNET_BITS[channels])
    # 100 neurons on 12 cores: eleven cores of nine and one of one; the table prints the mean.
    mean = (11 * dense_words(2560, 9, bits) + dense_words(2560, 1, bits)) / 12
    ours |= {
        "dense 2560->100": round(mean),
        "dense 100->50": dense_words(100, 50, bits),
        "dense 50->10": dense_words(50, 10, bits),
        "dense 10->1": dense_words(10, 1, bits),
    }
    return Section(
        name="PilotNet (spiking) on Loihi 2, synapse memory of one core",
        unit="words of 64 bits",
        note="lava-dl pilotnet_snn/benchmark.ipynb, an older compiler; weight bits decoded",
        rows=tuple(MappingRow(what=n, published=printed[n], ours=v) for n, v in ours.items()),
    )


def _mobilenet(target: Target) -> Section:
    table = anchors()["mobilenet128"]
    cores = _planned(mobilenet(), target, aligned=True).cores
    share = 100 * cores / (16 * target.cores_per_chip)
    return Section(
        name="MobileNet, 128x128, width 1.0, on Loihi 1",
        unit="% of the cores of 16 chips",
        note=f"{table['published']}; ours {cores} cores",
        rows=(MappingRow(what="cores", published=80.0, ours=round(share, 2), at_most=True),),
    )


def _cores(loihi1: Target, loihi2: Target) -> Iterator[CoreRow]:
    sew = sew_resnet18()
    bounds, runs = "split without alignment", "aligned, the program that runs"
    for target, aligned, most, whose in (
        (loihi2, False, 831, bounds),
        (loihi2, True, 1015, runs),
        (loihi1, False, 4096, bounds),
        (loihi1, True, 4096 + 1200, runs),
    ):
        name = f"SEW ResNet-18, 224x224, T 4, 8 bits: {whose}"
        yield _core_row(name, _planned(sew, target, aligned=aligned), most, "")
    total = anchors()["loihi2_yolo_kp"]["total_cores"]
    plan = _planned(yolo_kp(), loihi2, aligned=True)
    yield _core_row("YOLO-KP, 448x448", plan, total, "Loihi 2's own compiler")


def _planned(qc: QuantizedCircuit, target: Target, *, aligned: bool) -> Plan:
    """Tiles of every layer; the input comes as graded spikes, so that the first layer pays for its synapses."""
    plan, _ = plan_cores(qc, target, Coding.GRADED, aligned=aligned)
    return plan


def _core_row(name: str, plan: Plan, most: int, whose: str) -> CoreRow:
    neurons = [c * h * w for c, h, w in (t.shape for t in plan.tilings.values())]
    if plan.target.format not in ONE_TILE:
        neurons = [sum(neurons)]
    limit = plan.target.limit("neurons")
    return CoreRow(
        network=name,
        target=plan.target.name,
        cores=plan.cores,
        most=most,
        whose=whose,
        apart=sum(t.cores for t in plan.tilings.values()),
        alone=cores_alone(plan.qc, plan.target, plan.wiring),
        neurons=sum(-(-n // limit) for n in neurons),
    )


def _line(r: MappingRow) -> str:
    published, ours, difference = (_shown(n) for n in (r.published, r.ours, r.difference))
    fine = "" if r.holds else "  DIFFERS"
    return f"  {r.what:<46} {published:>12} {ours:>12} {difference:>12}{fine}"


def _core_line(r: CoreRow) -> str:
    fine = "" if r.cores <= r.most else "  ABOVE"
    return (
        f"  {r.target}: {r.network:<44} {r.most:>8,} {r.cores:>8,}  without sharing {r.apart:,} "
        f"(each layer alone {r.alone:,}), neurons alone {r.neurons:,}{fine}"
    )


def _shown(n: float) -> str:
    return f"{n:,.0f}" if float(n).is_integer() else f"{n:,.2f}"
