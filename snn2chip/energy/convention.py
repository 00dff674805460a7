"""The figure that papers print: 4.6 pJ for a multiply-accumulate, 0.9 pJ for an accumulate, at 45 nm, beside an ANN.

Horowitz 2014, 32-bit floats, arithmetic only: no memory, no neurons, no messages. Real-valued inputs are counted as
dense multiplications (once where the image is static), spikes as accumulations of every unit (an integer 2 as two).
The ANN has the same layers, once each. Gates, relays and shortcuts are not layers of the paper and are left out.
"""

from dataclasses import dataclass

from snn2chip.energy.counts import Counts, Operation
from snn2chip.energy.text import energy, number

MAC_PJ = 4.6
AC_PJ = 0.9
SOURCE = "Horowitz 2014, 45 nm, 32-bit floats, arithmetic only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """Of one inference: `macs` of real-valued layers, `acs` of spiking ones, `ann_macs` of the ANN."""

    macs: float
    acs: float
    ann_macs: float
    snn_pj: float
    ann_pj: float
    source: str = SOURCE

    def lines(self) -> list[str]:
        """Both sides in one line."""
        snn = f"{number(self.macs)} MAC × {MAC_PJ} pJ + {number(self.acs)} AC × {AC_PJ} pJ = {energy(self.snn_pj)}"
        ann = f"ANN of the same layers {number(self.ann_macs)} MAC = {energy(self.ann_pj)}"
        return [f"  as papers count ({self.source}): {snn}; {ann}"]


def convention(counts: Counts) -> Convention:
    """The papers' figure of `counts`."""
    layers = [p for p in counts.projections if p.paper]
    real = [p for p in layers if p.operation is Operation.MAC]
    once = {p.name: 1 if p.from_input and counts.static else counts.steps for p in real}
    macs = float(sum(p.mac_dense * once[p.name] for p in real))
    acs = sum(p.sop_units for p in layers if p.operation is not Operation.MAC) / counts.samples
    ann_macs = float(sum(p.mac_dense for p in layers))
    return Convention(
        macs=macs,
        acs=acs,
        ann_macs=ann_macs,
        snn_pj=macs * MAC_PJ + acs * AC_PJ,
        ann_pj=ann_macs * MAC_PJ,
    )
