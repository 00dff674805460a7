"""Our frozen dataclasses as plain JSON values and named arrays, and back.

A dataclass is an object of its fields; where its type is a union, `"is"` names which one it is. Enums are
their values, tuples
lists, mappings lists of pairs, numpy arrays `{"array": name}` with the array itself on the side.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import frozen

T = TypeVar("T")
Array = NDArray[Any]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_ARRAY = "array"
_IS = "is"
_PLAIN = (bool, int, float, str)


def encode(value: object) -> tuple[Json, dict[str, Array]]:
    """(JSON tree, arrays by the path at which they stand, such as `populations.3.bias`).

    >>> from snn2chip.circuit.types import Conv
    >>> encode(Conv(stride=(2, 2)))[0]
    {'is': 'Conv', 'stride': [2, 2], 'padding': [0, 0], 'dilation': [1, 1], 'groups': 1}
    """
    arrays: dict[str, Array] = {}
    return _encode(value, "", arrays), arrays


def decode(kind: type[T], tree: object, arrays: Mapping[str, Array]) -> T:
    """The value of type `kind` that `encode` took apart.

    Errors: ValueError where the tree is not of that type (the caller knows the file's name).
    """
    try:
        return cast(T, _decode(kind, tree, arrays))
    except (TypeError, KeyError, AttributeError, IndexError) as e:
        raise ValueError(f"not a {kind.__name__}: {e!r}") from e


def _encode(value: object, path: str, arrays: dict[str, Array]) -> Json:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        arrays[path] = value
        return {_ARRAY: path}
    if isinstance(value, Enum):
        return cast(Json, value.value)
    if isinstance(value, tuple | list):
        return [_encode(v, f"{path}.{i}".lstrip("."), arrays) for i, v in enumerate(value)]
    if isinstance(value, Mapping):
        pairs = [(_encode(k, "", {}), v) for k, v in value.items()]
        return [[k, _encode(v, f"{path}.{i}", arrays)] for i, (k, v) in enumerate(pairs)]
    if not is_dataclass(value) or isinstance(value, type):
        raise ValueError(f"{path}: {type(value).__name__} has no JSON form")
    inner = {f.name: getattr(value, f.name) for f in fields(value)}
    tree = {k: _encode(v, f"{path}.{k}".lstrip("."), arrays) for k, v in inner.items()}
    return {_IS: type(value).__name__, **tree}


def _decode(kind: Any, tree: Any, arrays: Mapping[str, Array]) -> object:
    origin = get_origin(kind)
    if origin is np.ndarray or kind is np.ndarray:
        return frozen(arrays[tree[_ARRAY]])
    if origin in (Union, types.UnionType):
        return _decode(_member(get_args(kind), tree), tree, arrays)
    if origin is tuple:
        return _tuple(get_args(kind), tree, arrays)
    if origin is not None and issubclass(origin, Mapping):
        key, value = get_args(kind)
        return {_decode(key, k, arrays): _decode(value, v, arrays) for k, v in tree}
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind, tree, arrays)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(tree)
    return _plain(kind, tree)


def _tuple(args: tuple[Any, ...], tree: Any, arrays: Mapping[str, Array]) -> tuple[object, ...]:
    if not isinstance(tree, list):
        raise TypeError(f"a list, not {tree!r}")
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], v, arrays) for v in tree)
    return tuple(_decode(a, v, arrays) for a, v in zip(args, tree, strict=True))


def _dataclass(kind: type, tree: Any, arrays: Mapping[str, Array]) -> object:
    if tree[_IS] != kind.__name__:
        raise TypeError(f"a {kind.__name__}, not {tree[_IS]!r}")
    hints = get_type_hints(kind)
    given = {k: v for k, v in tree.items() if k != _IS}
    return kind(**{k: _decode(hints[k], v, arrays) for k, v in given.items()})


def _member(kinds: tuple[Any, ...], tree: Any) -> Any:
    """Which member of a union `tree` is of."""
    if tree is None:
        return type(None)
    rest = [k for k in kinds if k is not type(None)]
    if len(rest) == 1:
        return rest[0]
    if isinstance(tree, dict) and _IS in tree:
        return next(k for k in rest if getattr(k, "__name__", "") == tree[_IS])
    if isinstance(tree, dict) and _ARRAY in tree:
        return np.ndarray
    return type(tree)


def _plain(kind: Any, tree: Any) -> object:
    """None, a bool, a number or a string; `object` (options) takes any of them, and lists become tuples."""
    if kind is object:
        return tuple(_plain(object, v) for v in tree) if isinstance(tree, list) else tree
    if kind is float and isinstance(tree, int) and not isinstance(tree, bool):
        return float(tree)
    if kind is type(None) and tree is None:
        return None
    if kind not in _PLAIN or type(tree) is not kind:
        raise TypeError(f"a {getattr(kind, '__name__', kind)}, not {tree!r}")
    return tree
