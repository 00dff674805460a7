"""Print the table of docs/fine-tuning.md: the shipped MNIST network at 8, 4 and 3 bits, before and after fine-tuning.

    OMP_NUM_THREADS=1 python docs/make_finetune_table.py [BITS ...]

Trains once for each number of bits on mnist5k (the extra `train`), three minutes each on one core.
"""

import sys
import tempfile
from pathlib import Path

import snn2chip
from snn2chip.stages.finetune import finetune
from snn2chip.training.finetune_start import FinetuneRequest

NETWORK = Path(__file__).parents[1] / "examples" / "data" / "mnist.pth"
BITS = (8, 4, 3)


def main() -> None:
    """The rows, as they come."""
    print("| bits | in floats | only rounded | fine-tuned |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for bits in [int(word) for word in sys.argv[1:]] or BITS:
            request = FinetuneRequest(
                model=snn2chip.ModelRequest(path=str(NETWORK)), data="mnist5k", weight_bits=bits
            )
            found = finetune(request, Path(folder) / f"mnist{bits}.pth").accuracies()
            cells = (f"{100 * found[k]:.1f} %" for k in ("float", "rounded", "finetuned"))
            print(f"| {bits} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
