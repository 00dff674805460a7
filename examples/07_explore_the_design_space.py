"""Weight bits and splits of one network compared, and which points no other point beats.

python examples/07_explore_the_design_space.py FOLDER (a minute on one core; stopped, the same command goes on).
"""

import sys
from pathlib import Path

import snn2chip

DATA = Path(__file__).parent / "data"


def main(folder: str, bits: tuple[int, ...] = (8, 6, 4, 3), samples: int = 100) -> list[str]:
    """A line for each point, best first in energy, then the page that shows them."""
    model = snn2chip.ModelRequest(
        path=str(DATA / "digits.pth"), input_path=str(DATA / "digits_test.npy"), layout="NCHW"
    )
    options = snn2chip.BuildOptions(model=model, labels=str(DATA / "digits_test_labels.npy"))
    axes = snn2chip.Axes(weight_bits=bits, splits=("balanced", "fewest"))
    explored = snn2chip.explore_model(options, axes, folder, samples=samples)
    told: list[str] = []
    numbered = enumerate(explored.table.rows)
    for number, row in sorted(numbered, key=lambda r: r[1].energy_pj or 0.0):
        if row.findings:  # a point that cannot be says why
            told.append(f"{row.point}: {row.findings[0]}")
            continue
        front = "front" if number in explored.table.front else "     "
        top1, energy = 100 * (row.top1 or 0), (row.energy_pj or 0) / 1e6
        told.append(f"{front} {top1:6.2f} % {energy:7.1f} µJ {row.cores:3} cores  {row.point}")
    return [*told, f"plot: {explored.page}"]


if __name__ == "__main__":
    print("\n".join(main(sys.argv[1])))
