"""The networks for event cameras of Fang et al. (NeurIPS 2021): 7B-Net, Wide-7B-Net and any `ResNetN`, to train.

They take frames, so an image is repeated T times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.network.types import Shape
from snn2chip.readers.layer_list import BLOCK_TYPES, FIELDS, entries_of, layer_list
from snn2chip.readers.options import choice, whole
from snn2chip.readers.resnet_options import CONNECTIONS
from snn2chip.training.architectures.common import SMALL, container_of_fang
from snn2chip.training.architectures.types import (
    Architecture,
    Finished,
    Setting,
    Values,
    above_one,
    surrogate_settings,
    whole_between,
)
from snn2chip.training.dataset import Dataset
from snn2chip.training.loop import Loss
from snn2chip.training.recipe import Recipe
from snn2chip.zoo.dvs_resnet import BlockType, Entry, ResNetN
from snn2chip.zoo.neuron import SpikingNeuron
from snn2chip.zoo.surrogates import ATAN

PAPER = Recipe(
    epochs=192,
    batch=16,
    learning_rate=1e-3,
    schedule="step",
    drops=(1 / 3, 2 / 3),
    augment=False,
)
"""DVS Gesture: SGD with momentum 0.9, a drop every 64 epochs."""

SEW, DEFAULT_POOL = BlockType.SEW.value, 2
MODELS = {"sew": "SEWResNet", "plain": "PlainNet", "basic": "SpikingResNet"}
"""`block_type` -> the authors' function, which their args name."""

REQUIRED = tuple(k for k in FIELDS if k not in ("block_type", "k_pool"))


def _entry(channels: int, kernel: int) -> dict[str, object]:
    return {
        "channels": channels,
        "up_kernel_size": kernel,
        "mid_channels": channels,
        "num_blocks": 1,
        "k_pool": DEFAULT_POOL,
    }


NETS: dict[str, list[dict[str, object]]] = {
    "7B-Net": [_entry(32, 1)] * 7,
    "Wide-7B-Net": [_entry(64, 1)] * 4 + [_entry(128, 1)] * 3,
}
"""The authors' networks for DVS Gesture and CIFAR10-DVS, both for 128 x 128."""


def _small(frame: Shape) -> list[dict[str, object]]:
    """At least two blocks, and pools until the map is at most 4 x 4: digits two, MNIST three."""
    side, entries = min(frame[1:]) // DEFAULT_POOL, [_entry(16, 3)]
    while len(entries) < 2 or side > 4:
        side //= DEFAULT_POOL
        entries.append(_entry(16, 3))
    return entries


def _layers(_: str, value: object) -> list[dict[str, object]]:
    """The entries of a list, or of one of NETS by name."""
    if isinstance(value, str):
        if value not in NETS:
            raise Snn2ChipError(
                "option-value",
                "--option layer_list",
                f"there is no network {value!r}",
                need=" | ".join((*NETS, "the authors' list")),
                help=did_you_mean(value, NETS),
            )
        return NETS[value]
    return layer_list(value, REQUIRED)


SETTINGS: dict[str, Setting] = {
    "layer_list": Setting(
        parse=_layers,
        small=_small,
        paper="7B-Net",
        help="7B-Net (DVS Gesture), Wide-7B-Net (CIFAR10-DVS), or the authors' list, "
        '[{"channels":16,"up_kernel_size":3,"mid_channels":16,"num_blocks":1,"k_pool":2},…]',
    ),
    "block_type": Setting(
        parse=choice(*BLOCK_TYPES),
        small=SEW,
        paper=SEW,
        help="sew: spikes are joined; plain: nothing is; basic: currents summed, Spiking ResNet",
    ),
    "connect_f": Setting(
        parse=choice(*CONNECTIONS),
        small="ADD",
        paper="ADD",
        help="how spikes are joined: ADD, AND, IAND",
        only_with=("block_type", (SEW,)),
    ),
    "T": Setting(parse=whole, small=4, paper=16, help="time steps; --frames, of events"),
    "T_train": Setting(
        parse=whole_between(0, 10_000),
        small=0,
        paper=0,
        help="steps drawn anew for each batch, in order (the authors' DVS Gesture: 12); 0: all",
    ),
    "init_tau": Setting(
        parse=above_one, small=2.0, paper=2.0, help="time constant where its training starts"
    ),
    **surrogate_settings(ATAN),
}


def make(v: Values, data: Dataset) -> ResNetN:
    """The network; Snn2ChipError where nothing is left of its map."""
    steps, drawn = v.whole("T"), int(v.number("T_train"))
    if drawn > steps:
        raise Snn2ChipError(
            "option-value", "--option T_train", "is above T", have=str(drawn), need=f"0 … {steps}"
        )
    entries = _entries(v)
    rows, columns = data.frame[1:]
    for entry in entries:
        rows, columns = rows // (entry.k_pool or 1), columns // (entry.k_pool or 1)
    if not rows * columns:
        raise Snn2ChipError(
            "option-contradicts",
            "--option layer_list",
            "its pools leave nothing of the map",
            have=f"{data.frame[1]} x {data.frame[2]}, pools of {_pools(v)}",
            help="give a list of fewer pools, or a larger --size",
        )
    neuron = partial(SpikingNeuron, tau=v.number("init_tau"), learned=True, surrogate=v.surrogate())
    return ResNetN(
        entries,
        data.classes,
        v.word("connect_f"),
        features=entries[-1].channels * rows * columns,
        in_channels=data.frame[0],
        neuron=neuron,
    )


def _entries(v: Values) -> list[Entry]:
    kind, listed = v.word("block_type"), _layers("layer_list", v.of["layer_list"])
    for other in {e.get("block_type", kind) for e in listed} - {kind}:
        raise Snn2ChipError(
            "option-contradicts",
            "--option layer_list",
            "its block_type is another than --option block_type",
            have=str(other),
            need=kind,
        )
    return entries_of(listed, BlockType(kind))


def _pools(v: Values) -> Sequence[int]:
    return [e.k_pool for e in _entries(v) if e.k_pool is not None]


def loss(v: Values, recipe: Recipe) -> Loss:
    """Cross-entropy of `T_train` frames, drawn for each batch and kept in order; of all where it is 0."""
    drawn = int(v.number("T_train"))

    def entropy(net: nn.Module, x: Tensor, y: Tensor, _: float) -> Tensor:
        kept = x[torch.randperm(len(x))[:drawn].sort().values.to(x.device)] if drawn else x
        return functional.cross_entropy(net(kept), y, label_smoothing=recipe.label_smoothing)

    return entropy


def pack(done: Finished) -> object:
    """The container of the authors' dvsgesture/train.py."""
    v = done.values
    kind = v.word("block_type")
    return container_of_fang(
        done,
        model=MODELS[kind],
        connect_f=v.word("connect_f") if kind == SEW else None,
        T=v.whole("T"),
        T_train=int(v.number("T_train")) or None,
    )


def deploy(v: Values) -> Mapping[str, object]:
    """Sizes of pools are in no container of the authors, who have one."""
    pools = _pools(v)
    return {} if set(pools) <= {DEFAULT_POOL} else {"k_pool": pools}


SEW_RESNET_DVS = Architecture(
    name="sew_resnet_dvs",
    title="SEW ResNet for event cameras (Fang et al., NeurIPS 2021): 7B-Net, Wide-7B-Net, ResNetN",
    settings=SETTINGS,
    small=replace(SMALL, epochs=6),
    paper=PAPER,
    make=make,
    pack=pack,
    deploy=deploy,
    loss=loss,
    method="joined spikes",
    off={"block_type": "plain"},
    frames_only=True,
)
