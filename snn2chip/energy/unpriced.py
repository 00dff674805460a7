"""What an estimate leaves out because nothing prices it: said with its counts, never taken as zero."""

from collections.abc import Mapping

from snn2chip.chip.target_file import UNKNOWN, Quantity
from snn2chip.energy.counts import Counts
from snn2chip.energy.text import number


def unpriced(counts: Counts, table: Mapping[str, Quantity]) -> tuple[str, ...]:
    """Terms that no price covers, with their counts for one inference."""
    missing = _ways(counts, table)
    host = [p for p in counts.projections if not p.on_chip]
    if host:
        steps = {p.name: 1 if p.from_input and counts.static else counts.steps for p in host}
        macs = sum(p.mac_dense * steps[p.name] for p in host)
        missing.append(
            f"the host's part ({', '.join(p.target for p in host)}): {number(macs)} multiplications"
        )
    graded = sum(p.synops for p in counts.projections if p.on_chip and p.payload)
    if graded:
        missing.append(
            f"multiplying by a payload: {number(graded / counts.samples)} of the operations at most"
        )
    gains = sum(p.gains for p in counts.populations if p.on_chip)
    if gains:
        missing.append(
            f"gains: {number(gains / counts.samples)} multiplications of a current, within the neuron updates"
        )
    guessed = [p.target for p in counts.projections if p.on_chip and not p.known]
    if guessed:
        missing.append(
            f"zeros of the input: all pixels into {', '.join(guessed)} are taken as events"
        )
    return tuple(missing)


def _ways(counts: Counts, table: Mapping[str, Quantity]) -> list[str]:
    """Messages and their ways, as far as no price covers them."""
    cores = counts.cores
    if cores is None:
        return ["messages, time and static power: no program was given"]
    missing: list[str] = []
    if cores.routed is None:
        missing.append("hops on the mesh: cores have no place on it")
    crossings = 0 if cores.routed is None else int(cores.routed.crossings.sum())
    if crossings and UNKNOWN in (table["crossing_pj"].value, table["crossing_ns"].value):
        kinds = [
            k
            for k, key in (("energy", "pj"), ("time", "ns"))
            if table[f"crossing_{key}"].value == UNKNOWN
        ]
        missing.append(
            f"ways from chip to chip: {number(crossings / counts.samples)} (their {' and '.join(kinds)})"
        )
    if cores.host_messages:
        missing.append(f"messages from the host: {number(cores.host_messages / counts.samples)}")
    return missing
