"""A chip of your own: a copy of a target file with other numbers, and the same network on both.

python examples/05_add_a_target.py FOLDER (a few seconds).
"""

import re
import sys
from pathlib import Path

import snn2chip

ROOT = Path(__file__).parents[1]
NUMBERS = {"neurons": 256, "synapse_words": 1000}
"""Keys of the section [core], and what a core of the smaller chip has of each."""


def write(path: Path) -> None:
    """Loihi 2 with smaller cores. A number says where it comes from: these are assumed."""
    snn2chip.targets("copy", "loihi2", str(path))
    text = path.read_text(encoding="utf-8")
    for key, value in NUMBERS.items():
        new = f'{key} = {{ value = {value}, status = "assumed", source = "what if" }}'
        text, times = re.subn(rf"^{key} = {{.*}}$", new, text, count=1, flags=re.MULTILINE)
        if times != 1:
            raise ValueError(f"loihi2.toml has no {key}")
    path.write_text(text, encoding="utf-8")


def main(folder: str) -> list[str]:
    """The file checked, and the cores of the digits network on the chip that it came from and on its own."""
    path = Path(folder) / "small-cores.toml"
    write(path)
    model = snn2chip.ModelRequest(path=str(ROOT / "examples/data/digits.pth"), shape=(1, 8, 8))
    told = snn2chip.targets("check", str(path)).lines()
    for target in ("loihi2", str(path)):
        told += snn2chip.check(snn2chip.BuildOptions(model=model, target=target)).lines()
    return told


if __name__ == "__main__":
    print("\n".join(main(sys.argv[1])))
