"""A spiking ResNet's checkpoint as a module of the zoo: plain PyTorch, independent of the Network."""

from functools import partial

import torch

from snn2chip.readers.checkpoint import Container
from snn2chip.readers.resnet_keys import COUNTER, NORM_PARTS, Dialect, Plan, Structure, plan_of
from snn2chip.readers.resnet_options import Settings, width_per_group
from snn2chip.zoo import sew_resnet, spiking_resnet
from snn2chip.zoo.neuron import SpikingNeuron
from snn2chip.zoo.trunk import Inner, ResNetTrunk


def module_of(container: Container, s: Structure, plan: Plan, settings: Settings) -> ResNetTrunk:
    """The zoo's module with the checkpoint's weights, in evaluation mode; float64 if the checkpoint is."""
    with torch.device("meta"):  # the weights are replaced, so none is drawn
        empty = _empty(s, settings)
    own = plan_of(s, plan.family, settings.stages, settings.stem_stride, Dialect.REPO)
    module = empty.to_empty(device="cpu").to(
        torch.float64 if container.is_double else torch.float32
    )
    counters = {
        k: torch.zeros((), dtype=torch.int64) for k in module.state_dict() if k.endswith(COUNTER)
    }
    module.load_state_dict({**counters, **_state(container, plan, own)}, strict=True)
    module.aliases = _aliases(plan, own)
    return module.eval()


def _empty(s: Structure, settings: Settings) -> ResNetTrunk:
    n = settings.neuron
    neuron = partial(SpikingNeuron, n.v_threshold, n.v_reset, n.tau, n.decay_input, n.learned)
    if settings.connect_f:
        block = sew_resnet.Bottleneck if s.bottleneck else sew_resnet.BasicBlock
        build = partial(sew_resnet.SEWResNet, block, s.blocks, settings.connect_f)
    else:
        block = spiking_resnet.Bottleneck if s.bottleneck else spiking_resnet.BasicBlock
        build = partial(spiking_resnet.SpikingResNet, block, s.blocks)
    return build(
        neuron=neuron,
        num_classes=s.classes,
        T=settings.steps,
        in_channels=s.in_channels,
        width=s.width,
        strides=settings.strides,
        dilate=settings.dilate,
        inner=Inner(groups=s.groups, width_per_group=width_per_group(s)),
        stem_kernel=s.stem_kernel,
        stem_stride=settings.stem_stride,
        stem_pool=settings.stem_pool,
    )


def _state(container: Container, plan: Plan, own: Plan) -> dict[str, torch.Tensor]:
    """The tensors under the zoo's keys; checked before, so that none can be missing."""
    names = {"fc.weight": "fc.weight", "fc.bias": "fc.bias"}
    for theirs, ours in zip(plan.units(), own.units(), strict=True):
        names[f"{ours.conv}.weight"] = f"{theirs.conv}.weight"
        names.update({f"{ours.norm}.{part}": f"{theirs.norm}.{part}" for part in NORM_PARTS})
    state = {
        ours: torch.from_numpy(container.tensors[theirs].copy()) for ours, theirs in names.items()
    }
    if plan.learned:
        for theirs, ours in zip(plan.neurons(), own.neurons(), strict=True):
            state[f"{ours}.w"] = torch.from_numpy(container.tensors[f"{theirs}.w"].copy()).reshape(
                1
            )
    return state


def _aliases(plan: Plan, own: Plan) -> dict[str, str]:
    pairs = [
        *zip(own.neurons(), plan.neurons(), strict=True),
        (f"{own.pool}#out", f"{plan.pool}#out"),
    ]
    return {ours: theirs for ours, theirs in pairs if ours != theirs}
