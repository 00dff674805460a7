"""The authors' `layer_list`: what a generic DVS network of the SEW repository (`ResNetN`) is made of.

[{"channels": 32, "up_kernel_size": 1, "mid_channels": 32, "num_blocks": 1, "block_type": "sew", "k_pool": 2}, …]
"""

from collections.abc import Sequence
from itertools import zip_longest

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.options import Parser, choice, refuse_unknown, whole
from snn2chip.zoo.dvs_resnet import BlockType, Entry

BLOCK_TYPES = tuple(b.value for b in BlockType)


def _kernel(name: str, value: object) -> int:
    """Of the convolution that changes the number of channels; the authors' code knows two."""
    if value not in (1, 3):
        raise Snn2ChipError(
            "option-value", name, "is no such kernel", have=str(value), need="1 | 3"
        )
    return whole(name, value)


FIELDS: dict[str, Parser[object]] = {
    "channels": whole,
    "up_kernel_size": _kernel,
    "mid_channels": whole,
    "num_blocks": whole,
    "block_type": choice(*BLOCK_TYPES),
    "k_pool": lambda name, value: None if value is None else whole(name, value),
}
"""What an entry holds; `k_pool` null: no pool after the blocks."""


def layer_list(value: object, needed: Sequence[str]) -> list[dict[str, object]]:
    """The entries, checked: each has what is `needed`, and nothing that is no key of the authors'."""
    listed = list(value) if isinstance(value, list | tuple) else []
    entries = [e for e in listed if isinstance(e, dict) and not set(needed) - e.keys()]
    if not entries or len(entries) != len(listed):
        raise Snn2ChipError(
            "option-value",
            "--option layer_list",
            "is not the authors' list",
            need='{"channels": 32, "up_kernel_size": 1, "mid_channels": 32, "num_blocks": 1, '
            '"block_type": "sew", "k_pool": 2} for each entry',
        )
    for entry in entries:
        refuse_unknown(entry, tuple(FIELDS))
    return [{k: FIELDS[k](f"--option layer_list: {k}", v) for k, v in e.items()} for e in entries]


def entries_of(listed: Sequence[dict[str, object]], kind: BlockType) -> list[Entry]:
    """The zoo's entries of a list that has every field but `block_type`, which is `kind`, and `k_pool`."""
    return [
        Entry(
            channels=whole("channels", e["channels"]),
            up_kernel_size=whole("up_kernel_size", e["up_kernel_size"]),
            mid_channels=whole("mid_channels", e["mid_channels"]),
            num_blocks=whole("num_blocks", e["num_blocks"]),
            block_type=kind,
            k_pool=None if e.get("k_pool") is None else whole("k_pool", e["k_pool"]),
        )
        for e in listed
    ]


def modules_of(entries: Sequence[Entry], channels: int) -> list[str]:
    """What `conv` holds, module after module, in words; `channels` of the input."""
    found: list[str] = []
    for e in entries:
        if e.channels != channels:
            size = e.up_kernel_size
            found.append(f"a convolution of {size} x {size} to {e.channels} channels")
        channels = e.channels
        found += [f"a block with {e.mid_channels} inner channels"] * e.num_blocks
        found += [] if e.k_pool is None else [f"a pool of {e.k_pool} x {e.k_pool}"]
    return found


def check_layer_list(said: Sequence[Entry], held: Sequence[Entry], channels: int) -> None:
    """Raise where the list that the user gave is not that of the keys and shapes."""
    pairs = zip_longest(modules_of(said, channels), modules_of(held, channels), fillvalue="nothing")
    for i, (have, need) in enumerate(pairs):
        if have != need:
            raise Snn2ChipError(
                "option-contradicts",
                "--option layer_list",
                f"contradicts the keys and shapes of conv.{i}",
                have=have,
                need=need,
            )
