"""One thread for sums of floats: in another order they can differ in the last bit, and threads change the order."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Generator[None]:
    """Libraries of linear algebra, and torch where it is loaded, run on one thread until the context ends."""
    torch = sys.modules.get("torch")
    before = 1 if torch is None else torch.get_num_threads()
    with threadpool_limits(1):
        try:
            if torch is not None:
                torch.set_num_threads(1)
            yield
        finally:
            if torch is not None:
                torch.set_num_threads(before)
