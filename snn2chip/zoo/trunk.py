"""What SEW ResNet and the plain Spiking ResNet share: stem, stages, head, and how layers run over the steps.

Module paths are those of the authors' repository (fangwei123456/Spike-Element-Wise-ResNet, imagenet/), so that a
checkpoint of theirs loads as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from snn2chip.zoo.model import Block, PerStep, SpikingNet, TracedPool
from snn2chip.zoo.neuron import SpikingNeuron

NeuronFactory = Callable[[], SpikingNeuron]

BlockFactory = Callable[[int, int, int, int], Block]
"""(input channels, planes, stride, dilation of its 3x3) -> block."""


class ResNetTrunk(SpikingNet):
    """conv1 - bn1 - [repeat T] - sn1 - (maxpool) - layer1 … layerN - average pool - mean over T - fc.

    Stage i has width·2^i planes and the strides 1, 2, 2 … unless `strides` says otherwise; where `dilate` says so it
    keeps the size of its map and spreads its 3x3 kernels instead (torchvision's `replace_stride_with_dilation`, but
    for every stage). A static image [N, C, H, W]
    runs through conv1 and bn1 once; frames [T, N, C, H, W] do so at every step (SpikingJelly's own models). Returns
    logits [N, classes].
    """

    stages: int
    conv1: nn.Conv2d
    bn1: nn.BatchNorm2d
    sn1: SpikingNeuron
    maxpool: TracedPool | None
    avgpool: PerStep
    fc: nn.Linear

    def __init__(
        self,
        block: BlockFactory,
        expansion: int,
        layers: Sequence[int],
        neuron: NeuronFactory,
        *,
        num_classes: int = 1000,
        T: int = 4,
        in_channels: int = 3,
        width: int = 64,
        strides: Sequence[int] | None = None,
        dilate: Sequence[bool] | None = None,
        stem_kernel: int = 7,
        stem_stride: int = 2,
        stem_pool: bool = True,
    ) -> None:
        super().__init__()
        self.T, self.stages = T, len(layers)
        self.conv1 = nn.Conv2d(
            in_channels, width, stem_kernel, stem_stride, stem_kernel // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(width)
        self.sn1 = neuron()
        self.maxpool = TracedPool(nn.MaxPool2d(3, 2, 1)) if stem_pool else None
        channels = width
        steps = steps_of(strides or default_strides(len(layers)), dilate)
        for i, (count, (stride, first, later)) in enumerate(zip(layers, steps, strict=True)):
            planes = width << i
            blocks = [block(channels, planes, stride, first)]
            channels = planes * expansion
            blocks += [block(channels, planes, 1, later) for _ in range(count - 1)]
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.avgpool = PerStep(nn.AdaptiveAvgPool2d(1))
        self.fc = nn.Linear(channels, num_classes)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, C, H, W] or frames [T, N, C, H, W]."""
        x = self.sn1(self._stem(x))
        if self.maxpool is not None:
            x = self.maxpool(x)
        for i in range(self.stages):
            x = self.get_submodule(f"layer{i + 1}")(x)
        features = self.avgpool(x).flatten(2)
        return self.fc(features.mean(0))

    def _stem(self, x: Tensor) -> Tensor:
        if x.dim() == 4:
            return self.bn1(self.conv1(x)).expand(self.T, -1, -1, -1, -1)
        return self.bn1(self.conv1(x.flatten(0, 1))).unflatten(0, x.shape[:2])


def default_strides(stages: int) -> tuple[int, ...]:
    """1, 2, 2 …: every stage but the first halves the map."""
    return (1,) + (2,) * (stages - 1)


def steps_of(
    strides: Sequence[int], dilate: Sequence[bool] | None
) -> tuple[tuple[int, int, int], ...]:
    """(stride, dilation of the first block, dilation of the others) of each stage, as torchvision counts them."""
    found: list[tuple[int, int, int]] = []
    dilation = 1
    for stride, spread in zip(strides, dilate or (False,) * len(strides), strict=True):
        first = dilation
        dilation *= stride if spread else 1
        found.append((1 if spread else stride, first, dilation))
    return tuple(found)


def conv_bn(
    channels: int, out: int, kernel: int, stride: int = 1, *, dilation: int = 1, groups: int = 1
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A convolution without bias (padding kernel // 2, times the dilation) and its batch norm."""
    padding = kernel // 2 * dilation
    conv = nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups, bias=False)
    return conv, nn.BatchNorm2d(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """The 3x3 of a Bottleneck: `groups` of planes·width_per_group/64 channels each (ResNeXt, wide ResNet)."""

    groups: int = 1
    width_per_group: int = 64

    def channels(self, planes: int) -> int:
        """Inner channels of a block of `planes`."""
        return int(planes * self.width_per_group / 64) * self.groups


PLAIN = Inner()
"""Of ResNet itself."""


def zero_last_norms(model: nn.Module, last: str, bias: float) -> None:
    """Zero the weight of the last norm of every block (`zero_init_residual` of the authors)."""
    for module in model.modules():
        if isinstance(module, Block):
            norm = module.get_submodule(last).get_submodule("module.1")
            nn.init.constant_(norm.weight, 0.0)  # pyright: ignore[reportArgumentType]
            nn.init.constant_(norm.bias, bias)  # pyright: ignore[reportArgumentType]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
