"""What the keys of an S-ResNet checkpoint say: sizes, and the tensors that the authors store under two names."""

import re
from dataclasses import dataclass, replace

import numpy as np

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.checkpoint import Container, Tensors

NAME = "s_resnet"
EVENTS = 2
"""Input channels of the network for event cameras."""

_CONV = re.compile(r"conv_list\.(\d+)\.weight")
_FIRST_NORM = re.compile(r"bntt_list\.0\.(\d+)\.weight")
_SECOND_NAMES = {
    "conv1": "conv_list.0",
    "bntt1": "bntt_list.0",
    "conv_resize_1": "conv1x1_list.0",
    "conv_resize_2": "conv1x1_list.1",
    "resize_bn_1": "bn_conv1x1_list.0",
    "resize_bn_2": "bn_conv1x1_list.1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """`n` pairs of convolutions in each stage, `width` of the first, `norms`: one for each step of training."""

    n: int
    width: int
    norms: int
    channels: int

    @property
    def for_events(self) -> bool:
        """Whether it is the variant for event cameras."""
        return self.channels == EVENTS


def is_s_resnet(container: Container) -> bool:
    """Whether the keys are those of the authors' code."""
    keys = {_first_name(key) for key in container.tensors}
    return {"conv_list.0.weight", "bntt_list.0.0.weight", "conv1x1_list.0.weight"} <= keys


def named_once(container: Container) -> tuple[Container, tuple[str, ...]]:
    """(the container with every tensor under its first name, a sentence on the second names).

    Two names of one tensor that hold different values are an error: training would have kept them equal.
    """
    tensors = {k: v for k, v in container.tensors.items() if _first_name(k) == k}
    second = {k: name for k in container.tensors if (name := _first_name(k)) != k}
    for key, name in second.items():
        values = container.tensors[key]
        if name in tensors and not np.array_equal(tensors[name], values):
            raise Snn2ChipError(
                "checkpoint-twice",
                f"{container.path}: {key}",
                f"is not the same as {name}, though the authors' code has one tensor under both names",
            )
        tensors.setdefault(name, values)
    found = dict.fromkeys(key.partition(".")[0] for key in second)
    pairs = ", ".join(f"{head} = {_SECOND_NAMES[head]}" for head in found)
    said = (f"{len(second)} tensors under a second name, with equal values ({pairs})",)
    return replace(container, tensors=tensors), said if second else ()


def named_twice(tensors: Tensors) -> Tensors:
    """The tensors under both names, as the authors' modules have them."""
    first = {name: second for second, name in _SECOND_NAMES.items()}
    twice = dict(tensors)
    for key, values in tensors.items():
        head = ".".join(key.split(".")[:2])
        if head in first:
            twice[first[head] + key.removeprefix(head)] = values
    return twice


def sizes_of(container: Container) -> Sizes:
    """Sizes as the keys say them; a gap in their numbers is an error."""
    convs = _numbers(_CONV, container)
    count = len(convs)
    missing = next((i for i in range(count) if i not in convs), None)
    if missing is not None or count % 6 != 1 or count < 7:
        raise Snn2ChipError(
            "checkpoint-missing-key",
            f"{container.path}: conv_list.{count if missing is None else missing}.weight",
            "is missing: an S-ResNet has 6n + 1 of them",
            have=f"{count}, up to conv_list.{max(convs, default=0)}",
        )
    norms = _numbers(_FIRST_NORM, container)
    missing = next((t for t in range(len(norms)) if t not in norms), None)
    if missing is not None:
        raise Snn2ChipError(
            "checkpoint-missing-key",
            f"{container.path}: bntt_list.0.{missing}.*",
            "is missing, though later ones are there",
        )
    shape = container.tensors["conv_list.0.weight"].shape
    if len(shape) != 4:
        raise Snn2ChipError(
            "checkpoint-shape",
            f"{container.path}: conv_list.0.weight",
            "has another shape",
            have=str(list(shape)),
            need="[any, any, 3, 3]",
        )
    return Sizes(n=(count - 1) // 6, width=shape[0], norms=len(norms), channels=shape[1])


def _numbers(pattern: re.Pattern[str], container: Container) -> set[int]:
    return {int(m[1]) for key in container.tensors if (m := pattern.fullmatch(key))}


def _first_name(key: str) -> str:
    head, dot, rest = key.partition(".")
    return _SECOND_NAMES.get(head, head) + dot + rest
