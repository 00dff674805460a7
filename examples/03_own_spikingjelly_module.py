"""A spiking ResNet of your own in SpikingJelly: trained on scikit-learn's digits, deployed, every spike compared.

python examples/03_own_spikingjelly_module.py BUILD (half a minute on one core; needs spikingjelly and scikit-learn).
"""

import sys
from functools import partial

import torch
from sklearn.datasets import load_digits
from spikingjelly.activation_based import functional, layer, neuron, surrogate  # pyright: ignore
from torch import Tensor, nn

import snn2chip

STEPS = 4
spiking = partial(neuron.LIFNode, tau=2.0, surrogate_function=surrogate.ATan(), detach_reset=True)


class Block(nn.Module):
    """Two convolutions, and the input added to their spikes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = layer.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1, self.sn1 = layer.BatchNorm2d(channels), spiking()
        self.conv2 = layer.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2, self.sn2 = layer.BatchNorm2d(channels), spiking()

    def forward(self, x: Tensor) -> Tensor:
        """Spikes and counts [T, N, C, H, W] to the same."""
        out = self.sn1(self.bn1(self.conv1(x)))
        return self.sn2(self.bn2(self.conv2(out))) + x


class Net(nn.Module):
    """One image for all steps to the mean of the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.sn = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), spiking()
        self.block1, self.pool, self.block2 = Block(8), layer.MaxPool2d(2), Block(8)
        self.fc = nn.Linear(8 * 4 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images [N, 1, 8, 8] to logits [N, 10]."""
        current = self.bn(self.conv(x)).unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)
        maps = self.block2(self.pool(self.block1(self.sn(current))))
        return self.fc(maps.flatten(2)).mean(0)


def trained(images: Tensor, labels: Tensor, epochs: int) -> Net:
    """A network after some epochs of Adam."""
    torch.manual_seed(0)
    net = Net()
    functional.set_step_mode(net, "m")
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(epochs):
        for part in torch.randperm(len(images)).split(64):
            functional.reset_net(net)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[part]), labels[part]).backward()
            optimizer.step()
    return net


def main(out: str, epochs: int = 4) -> list[str]:
    """Train, read, deploy; what was understood and what was compared."""
    pixels, classes = load_digits(return_X_y=True)
    images = torch.tensor(pixels / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    net = trained(images[:1200], torch.tensor(classes)[:1200], epochs)
    model = snn2chip.read(net, images[1200:1264], steps=STEPS)
    done = snn2chip.deploy(snn2chip.BuildOptions(model=model), out)
    return [*model.lines(), *done.lines()]


if __name__ == "__main__":
    print("\n".join(main(sys.argv[1])))
