"""Which of the targets that come with snn2chip have what another lacks."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from snn2chip.chip.target import available, load_target
from snn2chip.errors import Finding
from snn2chip.quantize.types import Widths

HAS: Mapping[str, Callable[[Widths], bool]] = {
    "feature-subtract": lambda w: w.subtract_reset,
    "feature-graded": lambda w: w.graded,
    "feature-levels": lambda w: w.levels,
    "feature-per-step": lambda w: w.per_step,
    "feature-gain": lambda w: w.gain_bits > 0,
    "feature-bias-map": lambda w: w.per_neuron_bias,
}
"""Code of a finding -> whether a target's neurons have what it misses."""


def with_targets(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The same; those that miss a feature say which targets have it."""
    missing = {f.code for f in findings} & set(HAS)
    if not missing:
        return findings
    widths = {name: load_target(name).widths for name in available()}
    names = {code: [n for n, w in widths.items() if HAS[code](w)] for code in missing}
    return tuple(
        replace(f, help=f"targets that have it: {', '.join(names[f.code]) or 'none'}")
        if f.code in missing
        else f
        for f in findings
    )
