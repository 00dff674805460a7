"""Drop branches that only training uses.

    stage1 ─▶ stage2 ─▶ … ─▶ fc ─▶ answer          stage1 ─▶ stage2 ─▶ … ─▶ fc ─▶ answer
      └─▶ shortcut.0 ─▶ its own loss        ⇒

A shortcut head (Guo et al. 2024, "Take A Shortcut Back") reads a stage and feeds a loss of its own; the answer does
not depend on it, so no spike changes. Only layers under the named prefixes are dropped, and only if the answer does
not need them. Any other layer that the answer does not need is an error, because it is more likely a mistake in the
model than intent.
"""

from dataclasses import replace

from snn2chip.lowering.graph import Report, Rewritten
from snn2chip.network.types import Network

PREFIXES = ("shortcut.",)


def drop_training_branches(network: Network) -> Rewritten:
    """The network without the layers under PREFIXES that do not reach the read-out."""
    report = Report()
    needed = {network.readout.layer}
    for layer in reversed(network.layers):
        if layer.name in needed:
            needed.update(layer.inputs)
    kept = [x for x in network.layers if x.name in needed or not x.name.startswith(PREFIXES)]
    report.changed = [x.name for x in network.layers if x not in kept]
    for layer in kept:
        if layer.name not in needed:
            report.refuse(
                "lower-unused",
                layer.name,
                "the answer does not depend on this layer",
                help=f"only branches called {', '.join(p + '*' for p in PREFIXES)} are dropped",
            )
    return report.result(replace(network, layers=tuple(kept)), "dropped")
