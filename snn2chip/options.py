"""What the user chose for a build: everything that decides its bytes, and where its inputs lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from snn2chip.chip.place.placing import Placing
from snn2chip.chip.split import BALANCED
from snn2chip.chip.target import is_file
from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.model import IN_MEMORY, ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeOptions:
    """How to round. `calibration`: path of an input for the method `agree`; never the one that is judged.

    `weight_bits`: of every weight, else as many as the target has. `input_bits`: of the input's grid, else chosen from
    the array. `free_scales`: scales that are no powers of two. `coding`: how the input reaches the chip, else the first
    that fits. `allow`: codes of findings that may pass.
    """

    method: str = "max"
    calibration: str | None = None
    weight_bits: int | None = None
    input_bits: int | None = None
    free_scales: bool = False
    coding: str | None = None
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """All options of a compile; `labels` and `prices` belong to the deploy that asked for them.

    `align`: "auto", or "none" for the fewest cores of a program that does not run. `split`: how many cores are given
    for fewer messages (`chip.split.SLACKS`). `share_cores`: "auto", or "none" for a core for each tile.
    """

    model: ModelRequest
    target: str = "loihi2"
    align: str = "auto"
    split: str = BALANCED
    share_cores: str = "auto"
    quantize: QuantizeOptions = field(default_factory=QuantizeOptions)
    place: Placing = field(default_factory=Placing)
    labels: str | None = None
    prices: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain values for build.toml; what is None is left out. Paths are absolute, so that `rerun` finds them."""
        # A module in memory has fields that no file can hold.
        model, quantize = _plain(self.model, ModelRequest), _plain(self.quantize)
        top = {
            k: v
            for k in ("target", "align", "split", "share_cores", "labels", "prices")
            if (v := getattr(self, k)) is not None
        }
        return {
            "model": _absolute(model, "path", "input_path"),
            "quantize": _absolute(quantize, "calibration"),
            "place": _plain(self.place),
            **_absolute(top, "labels", *(("target",) if is_file(self.target) else ())),
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> "BuildOptions":
        """The options that `to_dict` wrote."""
        rest = {k: v for k, v in tree.items() if k not in ("model", "quantize", "place")}
        return cls(
            model=ModelRequest(**_tupled(tree["model"])),
            quantize=QuantizeOptions(**_tupled(tree["quantize"])),
            place=Placing(**tree["place"]),
            **rest,
        )


def one_of(word: str, known: tuple[str, ...], option: str) -> str:
    """`word` if it is known, else an error that lists what is."""
    if word in known:
        return word
    hint = did_you_mean(word, known)
    raise Snn2ChipError(
        "option-value", option, f"unknown value {word!r}", need=" | ".join(known), help=hint
    )


def _plain(value: object, kind: type | None = None) -> dict[str, object]:
    names = (f.name for f in fields(kind or value))  # type: ignore[arg-type]
    found = {name: getattr(value, name) for name in names}
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}
    return {k: dict(v) if isinstance(v, Mapping) else v for k, v in plain.items() if v is not None}


def _absolute(tree: dict[str, object], *keys: str) -> dict[str, object]:
    """`tree` with absolute paths under `keys`, where there are any; a module in memory has none."""
    paths = {k: str(tree[k]) for k in keys if k in tree}
    known = {k: str(Path(p).resolve()) for k, p in paths.items() if not p.startswith(IN_MEMORY)}
    return tree | known


def _tupled(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in tree.items()}  # type: ignore[reportUnknownArgumentType]
