"""Write the tables of sizes in docs/findings.md: what `snn2chip check` says of the ImageNet networks at 3x224x224.

    python docs/make_sizes.py [loihi2 | loihi1] [DEPTH ...]

Weights are random: cores depend on shapes and bits, hardly on what the weights are. All depths take five minutes and
6 GB on loihi2, up to 50 layers a quarter of an hour and 5 GB on loihi1.
"""

import re
import sys
import tempfile
from pathlib import Path

import torch

import snn2chip
from snn2chip.zoo import sew_resnet, spiking_resnet

PAGE = Path(__file__).parent / "findings.md"
DEPTHS = (18, 34, 50, 101, 152)
JOINS = ("ADD", "AND", "IAND")
TARGETS = ("loihi2", "loihi1")
TABLE = r"(?<=<!-- sizes on {}: begin -->\n).*?(?=<!-- sizes on {}: end -->)"


def cell(target: str, depth: int, join: str | None, folder: Path) -> str:
    """Cores and chips of SEW ResNet with this join, or (None) of the plain network."""
    torch.manual_seed(0)
    if join is None:
        network = getattr(spiking_resnet, f"spiking_resnet{depth}")(T=4)
    else:
        network = getattr(sew_resnet, f"sew_resnet{depth}")(connect_f=join, T=4)
    path = folder / "net.pth"
    torch.save(network.state_dict(), path)
    model = snn2chip.ModelRequest(
        path=str(path), options={"connect_f": join} if join else {}, shape=(3, 224, 224)
    )
    checked = snn2chip.check(snn2chip.BuildOptions(model=model, target=target))
    sys.stderr.write(f"{depth} {join or 'plain'}: {checked.lines()[-1]}\n")
    return f"{checked.cores:,} cores, {checked.chips} chips" if checked.fits else "does not fit"


def write_row(target: str, depth: int) -> None:
    """The row of this depth anew; the others stay."""
    text = PAGE.read_text(encoding="utf-8")
    place = re.compile(TABLE.format(target, target), re.DOTALL)
    found = place.search(text)
    if found is None:
        sys.exit(f"{PAGE} has no place for the table of {target}")
    rows = {line.split(" | ")[0]: line for line in found[0].splitlines()[2:]}
    with tempfile.TemporaryDirectory() as scratch:
        cells = [cell(target, depth, join, Path(scratch)) for join in (*JOINS, None)]
    rows[f"| {depth}"] = f"| {depth} | {' | '.join(cells)} |"
    head = ["| depth | SEW, ADD | SEW, AND | SEW, IAND | plain |", "|---|---|---|---|---|"]
    table = [*head, *(rows[f"| {d}"] for d in DEPTHS if f"| {d}" in rows)]
    PAGE.write_text(place.sub("\n".join(table) + "\n", text), encoding="utf-8")


def main() -> None:
    """All tables, or what is asked for."""
    words = sys.argv[1:]
    depths = [int(word) for word in words if word.isdigit()] or list(DEPTHS)
    for target in [word for word in words if word in TARGETS] or TARGETS:
        for depth in depths:
            write_row(target, depth)


if __name__ == "__main__":
    main()
