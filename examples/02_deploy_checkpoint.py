"""Take a checkpoint to a verified program, and read the verdict as values.

python examples/02_deploy_checkpoint.py BUILD (half a minute on one core; network and images come along).
"""

import sys
from pathlib import Path

import numpy as np

import snn2chip

DATA = Path(__file__).parent / "data"


def main(out: str, images: int = 20) -> list[str]:
    """What was proved, what rounding cost, what it takes of the chip, and what one inference would cost."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("test", "test_labels"):
        np.save(folder / f"{name}.npy", np.load(DATA / f"digits_{name}.npy")[:images])
    model = snn2chip.ModelRequest(
        path=str(DATA / "digits.pth"), input_path=str(folder / "test.npy"), layout="NCHW"
    )
    labels = str(folder / "test_labels.npy")
    options = snn2chip.BuildOptions(model=model, target="loihi2", labels=labels)
    done = snn2chip.deploy(options, str(folder / "build"))
    verdict = done.verdict
    told = [f"every rung holds: {bool(verdict)}"]
    told += [f"rung {r.rung}: {r.differing:,} of {r.compared:,} differ" for r in verdict.rungs]
    return [*told, *done.lines()]


if __name__ == "__main__":
    print("\n".join(main(sys.argv[1])))
