"""Keys of a file in the spelling that a reader knows; which tensor is what, its shape and its siblings tell.

Frameworks wrap convolutions and norms in modules whose names change from version to version and from repository to
repository. A reader knows one spelling; here the others become that one.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.checkpoint import Container

Rename = Callable[[str], str]


def respelt(container: Container, rename: Rename) -> Container:
    """`container` under the keys that `rename` gives, remembering the file's own; two keys may not become one."""
    spelling: dict[str, str] = {}
    for key in container.tensors:
        new = rename(key)
        if new in spelling:
            raise Snn2ChipError(
                "checkpoint-keys",
                f"{container.path}: {key}",
                f"is the same tensor of the network as {spelling[new]}",
                need="one of them",
            )
        spelling[new] = key
    tensors = {new: container.tensors[key] for new, key in spelling.items()}
    return replace(container, tensors=tensors, spelling=spelling)


def with_containers(container: Container) -> Container:
    """SpikingJelly's SeqToANNContainer as up to 0.0.0.0.6, `x.module.0` and `x.module.1`: later `x.0` and `x.1`.

    Only where `x.0` is a convolution and `x.1` a batch norm.
    """
    keys = container.tensors
    inside = {
        path
        for key in keys
        if key.endswith(".0.weight")
        and not (path := key.removesuffix(".0.weight")).endswith(".module")
        and keys[key].ndim == 4
        and f"{path}.1.running_mean" in keys
    }

    def rename(key: str) -> str:
        path, *rest = re.split(r"\.(?=[01]\.\w+$)", key)
        return f"{path}.module.{rest[0]}" if rest and path in inside else key

    return respelt(container, rename) if inside else container


_ROLE = re.compile(
    r"(?P<role>model\.(?:conv1(?:\.\d+)?|bn1|relu|fc"
    r"|layer\d+\.\d+\.(?:conv[12]|bn[12]|relu1|output_act|downsample\.\d+)))"
    r"\.(?P<wrapper>[A-Za-z]\w*)"
    r"\.(?P<name>weight|bias|running_mean|running_var|num_batches_tracked)"
)


def with_wrappers(container: Container) -> Container:
    """Guo's group: `.bn` around batch norms, `.pool` around convolutions, `.conv` around linear layers.

    In their repositories the same wrapper class holds now one and now another (`model.bn1.conv.weight` of Ternary
    Spike is a batch norm), so siblings and the rank of the weight decide.
    """

    def rename(key: str) -> str:
        m = _ROLE.fullmatch(key)
        return f"{m['role']}.{_kind(container, m)}.{m['name']}" if m else key

    return respelt(container, rename)


def _kind(container: Container, m: "re.Match[str]") -> str:
    inside = f"{m['role']}.{m['wrapper']}"
    if f"{inside}.running_mean" in container.tensors:
        return "bn"
    weight = container.tensors.get(f"{inside}.weight")
    return "pool" if weight is not None and weight.ndim == 4 else "conv"
