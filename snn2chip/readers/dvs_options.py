"""What the keys of a DVS network of the SEW repository do not say: options, the file's args, the authors' defaults."""

from collections.abc import Sequence
from dataclasses import dataclass

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.dvs_keys import Part, PartKind
from snn2chip.readers.layer_list import BLOCK_TYPES, FIELDS, entries_of, layer_list
from snn2chip.readers.options import (
    TRAINING,
    USER,
    Options,
    choice,
    flag,
    note_training,
    number,
    positive,
    refuse_unknown,
    whole,
    wholes,
)
from snn2chip.readers.resnet_options import CONNECTIONS, NeuronSettings
from snn2chip.readers.steps import steps_of
from snn2chip.readers.types import ReadRequest
from snn2chip.zoo.dvs_resnet import BlockType, Entry

OPTIONS = (
    "T",
    "T_train",
    "connect_f",
    "cnf",
    "num_classes",
    "block_type",
    "k_pool",
    "layer_list",
    "v_threshold",
    "v_reset",
    "decay_input",
    *TRAINING,
)
"""Arguments of the authors' code; `block_type` and `k_pool` are entries of its `layer_list`."""

DEFAULT_STEPS = 16
DEFAULT_POOL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything beside the weights.

    `pools`: sizes as said, one for all or one for each; None: the authors' 2. `listed`: the user's `layer_list`.
    """

    steps: int
    block_type: BlockType
    connect_f: str
    neuron: NeuronSettings
    pools: tuple[int, ...] | None
    listed: tuple[Entry, ...]


def settle(
    container: Container, request: ReadRequest, parts: Sequence[Part], o: Options
) -> Settings:
    """The settings of a network of `parts`."""
    refuse_unknown(request.options, OPTIONS)
    o.find("T_train", whole)
    note_training(o)
    entries = _layer_list(o)
    said = o.find("block_type", choice(*BLOCK_TYPES), in_args=False)
    kinds = {str(e["block_type"]) for e in entries}
    if len(kinds | ({said} if said else set())) > 1:
        raise Snn2ChipError(
            "option-value",
            "--option layer_list",
            "names several kinds of blocks",
            have=", ".join(sorted(kinds)),
            need="one for the whole network",
        )
    connect_f = o.find("connect_f", choice(*CONNECTIONS), "cnf")
    kind = _kind(container, parts, said or next(iter(kinds), None), connect_f)
    return Settings(
        steps=steps_of(o, request, DEFAULT_STEPS),
        block_type=kind,
        connect_f=connect_f or "",
        neuron=_neuron(o),
        pools=_pools(o, entries),
        listed=tuple(entries_of(entries, kind)),
    )


def _layer_list(o: Options) -> list[dict[str, object]]:
    """The authors' list as given, or empty."""
    if o.given.get("layer_list") is None:
        return []
    o.take("layer_list", o.given["layer_list"], USER)
    return layer_list(o.given["layer_list"], tuple(k for k in FIELDS if k != "k_pool"))


def _kind(
    container: Container, parts: Sequence[Part], said: str | None, connect_f: str | None
) -> BlockType:
    """The blocks' kind: BASIC shows in the keys, SEW and PLAIN look the same."""
    basic = any(p.kind is PartKind.BASIC for p in parts)
    kind = BlockType(said) if said else BlockType.BASIC if basic else None
    if kind is not None and (kind is BlockType.BASIC) != basic:
        raise Snn2ChipError(
            "option-contradicts",
            "--option block_type",
            f"{kind.value} contradicts the keys",
            have="basic blocks" if basic else "blocks with a neuron after both convolutions",
        )
    if kind is None and container.args.get("model") == "PlainNet":
        kind = BlockType.PLAIN
    if kind is None and connect_f is not None:
        kind = BlockType.SEW
    if kind is None or (kind is BlockType.SEW and connect_f is None):
        raise Snn2ChipError(
            "option-missing",
            container.path,
            "neither the keys nor the file's args tell how blocks are joined",
            need=" | ".join(CONNECTIONS),
            help="give --option connect_f=ADD (or another), or --option block_type=plain for no joins",
        )
    if kind is not BlockType.SEW and connect_f is not None:
        raise Snn2ChipError(
            "option-contradicts",
            "--option connect_f",
            f"blocks of the kind {kind.value} have no connect function",
        )
    return kind


def _neuron(o: Options) -> NeuronSettings:
    threshold, reset = o.find("v_threshold", positive), o.find("v_reset", number)
    decay_input = o.find("decay_input", flag)
    if threshold is None:
        threshold = o.default("v_threshold", 1.0, "the authors' default; checkpoints do not say")
    if reset is None:
        reset = o.default("v_reset", 0.0, "the authors' default; checkpoints do not say")
    if decay_input is None:
        decay_input = o.default("decay_input", True, "the authors' default; checkpoints do not say")
    return NeuronSettings(
        v_threshold=threshold, v_reset=reset, tau=None, decay_input=decay_input, learned=True
    )


def _pools(o: Options, entries: list[dict[str, object]]) -> tuple[int, ...] | None:
    given = o.find("k_pool", _one_or_more, in_args=False)
    listed = tuple(whole("k_pool", e["k_pool"]) for e in entries if e.get("k_pool") is not None)
    if given and entries and listed != given:
        raise Snn2ChipError(
            "option-contradicts",
            "--option k_pool",
            "contradicts layer_list",
            have=str(list(given)),
            need=str(list(listed)),
        )
    return listed if entries else given


def _one_or_more(name: str, value: object) -> tuple[int, ...]:
    return wholes(name, value) if isinstance(value, list) else (whole(name, value),)
