"""Compiled loops of the layer engine. Arrays here have channels last: [T, N, H, W, C]."""
