"""The few layers that must be left in floats, found by halving: delta debugging (Zeller and Hildebrandt 2002).

    halves(S): one of them alone is enough  ->  go on in it (in the better, where both are)
               neither is                   ->  go on in both, each time with what the other still needs

One layer among n is found in about 2·log2(n) runs, k of them in about k times that.
"""

from collections.abc import Callable, Sequence

Score = Callable[[frozenset[str]], int]
"""How much is as it should be where these layers are in floats."""


def needed(layers: Sequence[str], score: Score, enough: int) -> tuple[str, ...]:
    """Layers that together score `enough`, in their order; all `layers` together must.

    Where the score never falls as layers are added, none of them can be spared. There may be another such set.

    >>> needed("abcdefgh", lambda s: len(s & {"c", "g"}), 2)
    ('c', 'g')
    """
    found = _halved(tuple(layers), frozenset(), score, enough)
    return tuple(name for name in layers if name in found)


def _halved(
    layers: tuple[str, ...], fixed: frozenset[str], score: Score, enough: int
) -> frozenset[str]:
    """The part of `layers` that is needed beside `fixed`; all of them and `fixed` are enough."""
    if len(layers) == 1:
        return frozenset(layers)
    middle = len(layers) // 2
    halves = (layers[:middle], layers[middle:])
    scores = [score(fixed | frozenset(half)) for half in halves]
    if max(scores) >= enough:
        return _halved(halves[scores.index(max(scores))], fixed, score, enough)
    first = _halved(halves[0], fixed | frozenset(halves[1]), score, enough)
    return first | _halved(halves[1], fixed | first, score, enough)
