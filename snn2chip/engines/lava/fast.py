"""The lava-fast engine: the stock graph, with our models for convolutions, delays and matrices."""

from functools import partial

from snn2chip.engines.lava import engine
from snn2chip.engines.lava.engine import check
from snn2chip.recording import Recording

__all__ = ["check", "run"]

run: partial[Recording] = partial(engine.run, fast=True)
