# pyright: basic, reportMissingImports=false
"""Lava 0.10.0 on Python 3.11 and 3.12: import this module before anything of Lava.

Since Python 3.11 a dataclass refuses a default value that cannot be hashed, and one class of Lava's compiler,
ByteEncoder, is such a default. It is given a hash while its module is imported; nothing else of Lava is touched.
"""

import dataclasses
import importlib

_CLASS, _MODULE = "ByteEncoder", "lava.magma.compiler.var_model"
_plain = dataclasses.dataclass


def _dataclass(cls=None, /, **options):
    """As dataclasses.dataclass; the one class also gets a hash."""
    if cls is None:
        return lambda c: _dataclass(c, **options)
    if (cls.__name__, cls.__module__) == (_CLASS, _MODULE):
        options["unsafe_hash"] = True
    return _plain(cls, **options)


dataclasses.dataclass = _dataclass
try:
    importlib.import_module(_MODULE)
finally:
    dataclasses.dataclass = _plain
