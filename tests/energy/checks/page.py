"""docs/energy-checks.md, from page.md beside this file, what was recorded, and what we count."""

from pathlib import Path
from typing import Any

from tests.energy.checks.compare import TABLE, Expected, Layer, Term, expected, layers
from tests.energy.checks.subjects import NETWORKS, network, small_program
from tests.energy.checks.with_sanafe import HOST_TILE, edges_of

PAGE = Path(__file__).parents[3] / "docs" / "energy-checks.md"
TEMPLATE = Path(__file__).with_name("page.md")


def page(found: dict[str, Any]) -> str:
    """The whole page."""
    run, program, levels = small_program()
    want, theirs = expected(run, program, levels.target), found["sanafe"]
    conv = theirs["conv"]
    total, dense = (tenths(theirs[kind]["joules"]["total"]) for kind in ("conv", "dense"))
    return TEMPLATE.read_text().format(
        **found["versions"],
        networks="".join(_network(name, found["neurobench"][name]) for name in NETWORKS),
        samples=conv["samples"],
        chip_steps=conv["chip_steps"],
        cores=len(program.cores),
        neurons=f"{want.neurons:,}",
        edges=f"{edges_of(run, program):,}",
        sent=_steps(theirs["delay"]["sent"]),
        heard=_steps(theirs["delay"]["heard"]),
        host_tile=HOST_TILE,
        counts=_counts(want, conv),
        energy=_energy(want, total),
        depth=max(program.schedule.depth.values()),
        static_w=levels.target.prices[TABLE]["static_w"].value,
        rims=f"{want.rims:,}",
        dense=f"{dense / 10:,.1f}",
        dense_synops=f"{want.dense_synops:,}",
        more=f"{(dense - total) / 10:,.1f}",
        share=f"{100 * (dense - total) / dense:.2f}",
    )


def tenths(joules: float) -> int:
    """Tenths of a picojoule."""
    return round(joules * 1e13)


def _steps(steps: list[int]) -> str:
    return ", ".join(map(str, steps)) if steps else "none"


def _network(name: str, theirs: dict[str, Any]) -> str:
    total = theirs["total"]
    lines = [
        f"\n### {name}, {theirs['samples']} images\n",
        "| layer | ours, `sop_events` | named | NeuroBench: ACs | MACs | Dense | why not ours |",
        "|---|---|---|---|---|---|---|",
        *(_layer(x, theirs["layers"][x.name]) for x in layers(network(name))),
        f"| whole network | | | {total['acs']:,} | {total['macs']:,} | {total['dense']:,} | |",
    ]
    return "\n".join(lines) + "\n"


def _layer(x: Layer, theirs: dict[str, int]) -> str:
    cells = (f"{theirs[k]:,}" for k in ("acs", "macs", "dense"))
    return f"| {x.name} | {x.ours:,} | `{x.operation.value}` | {' | '.join(cells)} | {x.why} |"


def _counts(want: Expected, theirs: dict[str, Any]) -> str:
    more = {name: n - want.ours[name] for name, n in want.counts.items()}
    why = {
        "synops": "",
        "messages": f"{more['messages']:,} from the host",
        "updated": f"{more['updated'] - more['fired']:,} without an arrival, {more['fired']:,} replayed spikes",
        "fired": f"{more['fired']:,} replayed spikes",
        "hops": f"{more['hops']:,} of messages from the host",
    }
    return "".join(f"| {k} | {theirs[k]:,} | {want.ours[k]:,} | {why[k]} |\n" for k in why)


def _energy(want: Expected, total: int) -> str:
    mine = [t for t in want.terms if t.ours]
    rows = [
        *map(_term, mine),
        _sum("our estimate, dynamic", sum(t.count * t.tenths for t in mine)),
        *(_term(t) for t in want.terms if not t.ours),
        _sum("sum", want.tenths()),
        _sum("SANA-FE's total", total),
    ]
    return "\n".join(rows) + "\n"


def _term(t: Term) -> str:
    return f"| {t.name} | {t.count:,} | {t.tenths / 10} | {t.count * t.tenths / 10:,.1f} |"


def _sum(name: str, value: int) -> str:
    return f"| **{name}** | | | **{value / 10:,.1f}** |"
