# pyright: basic, reportMissingImports=false
"""A convolution as one matrix product for all positions, in place of one call per pair of channels."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

EXACT_FLOAT32 = 1 << 24


class Convolution:
    """weight [channels out, rows, columns, channels in / groups], flipped as Lava flips it.

    Called with (rows, columns, channels), it gives int64 (rows, columns, channels), as torch's conv2d.
    """

    def __init__(self, weight, stride, padding, dilation):
        self.stride, self.padding, self.dilation = (
            tuple(int(x) for x in np.ravel(pair)) for pair in (stride, padding, dilation)
        )
        self.out, *self.kernel, self.depth = weight.shape
        plain = weight[:, ::-1, ::-1].reshape(self.out, -1)
        self.largest = int(np.abs(plain).astype(np.int64).sum(1).max())
        self.weight = {t: plain.astype(t) for t in (np.float32, np.float64)}

    def __call__(self, values):
        """The sums; in float32 where they prove to stay exact, else in float64."""
        groups = values.shape[-1] // self.depth
        exact = self.largest * int(np.abs(values).max(initial=0)) < EXACT_FLOAT32
        kind = np.float32 if exact else np.float64
        seen = self.windows(values.astype(kind))
        rows, columns = seen.shape[:2]
        seen = seen.reshape(rows * columns, groups, self.depth, -1)
        seen = seen.transpose(1, 0, 3, 2).reshape(groups, rows * columns, -1)
        weight = self.weight[kind].reshape(groups, self.out // groups, -1)
        sums = seen @ weight.transpose(0, 2, 1)
        return sums.transpose(1, 0, 2).reshape(rows, columns, self.out).astype(np.int64)

    def windows(self, values):
        """What each position sees: (rows, columns, channels, kernel rows, kernel columns)."""
        (sy, sx), (py, px), (dy, dx) = self.stride, self.padding, self.dilation
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        padded = np.pad(values, ((py, py), (px, px), (0, 0)))
        return sliding_window_view(padded, reach, (0, 1))[::sy, ::sx, :, ::dy, ::dx]
