"""How cores are to be placed."""

from dataclasses import dataclass

METHODS = ("columns", "swap", "metis", "exact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How to place: the method, the board (None: as many chips as are needed), seed, and the most seconds to search."""

    method: str = "swap"
    board: str | None = None
    seed: int = 0
    seconds: float = 300.0

    @property
    def searches(self) -> bool:
        """Whether the method looks at the traffic."""
        return self.method != "columns"


COLUMNS = Placing(method="columns")
"""Nothing to search: for programs whose hops nobody asks for."""
