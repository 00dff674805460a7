"""Checkpoint files as plain arrays.

No code of a file is ever run: what is not on torch's list of safe types is refused.
"""

import argparse
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snn2chip.arrays import frozen
from snn2chip.errors import Snn2ChipError
from snn2chip.files import sha256

Tensors = Mapping[str, NDArray[Any]]

STATE_KEYS = ("model", "net", "state_dict", "model_state_dict")
"""Where training scripts put the state dict, in the order in which they are tried."""

_PARALLEL = "module."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Container:
    """What a checkpoint file holds.

    `tensors`: key -> array in the file's own precision (bfloat16 as float32), without the `module.` that data parallel
    training puts before every key. `args`: the training script's arguments, empty where there are none. `notes`: what
    the reader should say about the file, one sentence each. `key`: where in the container the state dict was ('' for a
    bare one). `prefixed`: whether keys had `module.` before them. `spelling`: key -> the file's own, where a reader
    knows them by other names (readers/spelling.py).
    """

    path: str
    sha256: str
    tensors: Tensors
    args: Mapping[str, object]
    notes: tuple[str, ...] = ()
    key: str = ""
    prefixed: bool = False
    spelling: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_double(self) -> bool:
        """Whether any weight needs float64."""
        return any(a.dtype == np.float64 for a in self.tensors.values())

    def key_of(self, key: str) -> str:
        """What the file calls the tensor `key`."""
        return self.spelling.get(key, key)


def load_container(path: str | Path) -> Container:
    """The checkpoint at `path`; Snn2ChipError naming the file, and the tensor where one is wrong."""
    file = Path(path)
    tree = _load(file)
    key, state = _state_of(file, tree)
    args = tree.get("args") if isinstance(tree, Mapping) and key else None
    if isinstance(args, argparse.Namespace):
        args = vars(args)
    prefixed = all(k.startswith(_PARALLEL) for k in state)
    tensors = {
        k.removeprefix(_PARALLEL) if prefixed else k: _array(str(path), k, v)
        for k, v in state.items()
    }
    return Container(
        path=str(path),
        sha256=sha256(file),
        tensors=tensors,
        args=dict(args) if isinstance(args, Mapping) else {},
        notes=_notes(state, prefixed),
        key=key,
        prefixed=prefixed,
    )


def _load(file: Path) -> object:
    if not file.exists():
        raise Snn2ChipError("checkpoint-missing", str(file), "there is no such file")
    if file.is_dir():
        raise Snn2ChipError(
            "checkpoint-unreadable", str(file), "is a folder", need="a checkpoint file"
        )
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
            warnings.simplefilter("ignore")  # of old formats that still load
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as e:
        why = f"cannot be read: {(e.strerror or str(e)).lower()}"
        raise Snn2ChipError("checkpoint-unreadable", str(file), why) from e
    except Exception as e:  # a damaged file raises whatever its bytes lead to
        raise Snn2ChipError(
            "checkpoint-unreadable", str(file), _refused(e), need="a whole PyTorch checkpoint"
        ) from e


def _refused(error: Exception) -> str:
    asked = re.search(r"(?:GLOBAL|global)\s+([\w.]+\.[\w.]+)", str(error))
    if asked:
        return f"asks for {asked[1]}, which is no data; code in a checkpoint is never run"
    return "is no PyTorch checkpoint, or is damaged"


def _state_of(file: Path, tree: object) -> tuple[str, Mapping[str, torch.Tensor]]:
    """(key in the container, state dict)."""
    if isinstance(tree, Mapping):
        for key in STATE_KEYS:
            if _is_state(tree.get(key)):
                return key, tree[key]
        if _is_state(tree):
            return "", tree
    raise Snn2ChipError(
        "checkpoint-container",
        str(file),
        "holds no state dict",
        have=_described(tree),
        need=f"tensors by name, bare or under {', '.join(STATE_KEYS)}",
    )


def _is_state(value: object) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())


def _described(tree: object) -> str:
    if not isinstance(tree, Mapping):
        return f"a {type(tree).__name__}"
    return "a dict of " + ", ".join(repr(k) for k in list(tree)[:6]) if tree else "an empty dict"


def _array(path: str, key: str, tensor: torch.Tensor) -> NDArray[Any]:
    where = f"{path}: {key}"
    if tensor.is_complex():
        raise Snn2ChipError(
            "checkpoint-dtype", where, f"is complex ({_dtype(tensor)})", need="real numbers"
        )
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        raise Snn2ChipError(
            "checkpoint-dtype", where, "is sparse, quantized or empty", need="a plain tensor"
        )
    plain = tensor.detach().float() if tensor.dtype is torch.bfloat16 else tensor.detach()
    array = plain.numpy()
    if array.dtype.kind not in "iuf":
        raise Snn2ChipError(
            "checkpoint-dtype", where, f"has dtype {_dtype(tensor)}", need="real numbers"
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        why = f"is not finite: {array[tuple(bad[0])]} at {bad[0].tolist()}"
        raise Snn2ChipError("checkpoint-values", where, why, have=f"{len(bad)} such values")
    return frozen(array)


def _notes(state: Mapping[str, torch.Tensor], prefixed: bool) -> tuple[str, ...]:
    """Sentences on what is unusual."""
    notes = ["keys without the leading `module.` of data parallel training"] if prefixed else []
    by_type: dict[str, list[str]] = {}
    for key, tensor in state.items():
        if tensor.dim() and tensor.dtype is not torch.float32:
            by_type.setdefault(_dtype(tensor), []).append(key)
    for dtype, keys in by_type.items():
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        notes.append(f"tensors of {dtype} are read as they are: {keys[0]}{more}")
    return tuple(notes)


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
