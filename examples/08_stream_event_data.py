"""Events of a camera, window after window, through a compiled program.

python examples/08_stream_event_data.py FOLDER (a few seconds; needs spikingjelly). A bar moves over 16 x 16 pixels,
upright or level; the network tells which. Its weights are set by hand.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron  # pyright: ignore
from torch import Tensor, nn

import snn2chip

SIZE, STEPS, STEP_US = 16, 4, 2500
Events = list[tuple[int, int, int, int]]
"""(time in microseconds, x, y, polarity 0 or 1), in the order of time."""


class Bars(nn.Module):
    """Frames [T, N, 2, 16, 16] to scores of (upright, level), summed over the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.sn = layer.Conv2d(2, 2, 3, padding=1, bias=False), neuron.IFNode(3.0)
        self.fc = layer.Linear(2 * SIZE * SIZE, 2, bias=False)
        line = torch.tensor([[-1.0, 2, -1]] * 3)
        self.conv.weight.data = torch.stack([line, line.T])[:, None].repeat(1, 2, 1, 1)
        self.fc.weight.data = torch.eye(2).repeat_interleave(SIZE * SIZE, 1) / 64
        functional.set_step_mode(self, "m")

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, 2]."""
        return self.fc(self.sn(self.conv(x)).flatten(2)).sum(0)


def camera(windows: int) -> Iterator[Events]:
    """The events of each window: a bar that moves by a pixel in every step; it turns after every window."""
    for window in range(windows):
        events: Events = []
        for step in range(STEPS):
            start = (window * STEPS + step) * STEP_US
            at = (3 * window + step) % (SIZE - 1)
            for k in range(SIZE):
                for place, polarity in (
                    (at, 0),
                    (at + 1, 1),
                ):  # it leaves one line and comes to the next
                    x, y = (place, k) if window % 2 == 0 else (k, place)
                    events.append((start + k, x, y, polarity))
        yield events


def frames(events: Events) -> np.ndarray:
    """Counts [T, 1, 2, H, W] of the events of one window, each step of STEP_US."""
    counts = np.zeros((STEPS, 1, 2, SIZE, SIZE), np.float32)
    for time, x, y, polarity in events:
        counts[time // STEP_US % STEPS, 0, polarity, y, x] += 1
    return counts


def main(folder: str, windows: int = 6) -> list[str]:
    """What was compared on the first window, then the answer of the packed program to each window."""
    build, file = Path(folder) / "build", Path(folder) / "window.npy"
    first = torch.tensor(frames(next(camera(1))))
    model = snn2chip.read(Bars(), first, steps=STEPS, layout="TNCHW")
    told = snn2chip.deploy(snn2chip.BuildOptions(model=model), str(build)).lines()[:4]
    for number, events in enumerate(camera(windows)):
        np.save(file, frames(events))
        run = snn2chip.simulate(str(build), str(file), layout="TNCHW", engine="core")
        told.append(f"window {number}: {('upright', 'level')[run.decisions[0]]}")
    return told


if __name__ == "__main__":
    print("\n".join(main(sys.argv[1])))
