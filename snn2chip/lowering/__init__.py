"""Network -> Circuit: one pass per file, in the order of PASSES."""

from snn2chip.lowering.pipeline import PASSES, Lowered, PassNote, lower

__all__ = ["PASSES", "Lowered", "PassNote", "lower"]
