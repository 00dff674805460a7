"""One comparison of translation validation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """`compared` entries of one table, `differing` among them; the first is described. `core` -1: of no single core."""

    code: str
    layer: str
    core: int
    what: str
    compared: int
    differing: int = 0
    have: str = ""
    need: str = ""


def differs(code: str, layer: str, core: int, what: str, have: object, need: object) -> Item:
    """One entry that differs."""
    return Item(
        code=code,
        layer=layer,
        core=core,
        what=what,
        compared=1,
        differing=1,
        have=str(have),
        need=str(need),
    )


def same(code: str, layer: str, core: int, what: str, have: object, need: object) -> Item:
    """One entry, compared with ==."""
    if have == need:
        return Item(code=code, layer=layer, core=core, what=what, compared=1)
    return differs(code, layer, core, what, have, need)
