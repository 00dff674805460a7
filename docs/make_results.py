"""Write docs/results.md: the last results of the long runs, each with the command that printed them.

    python docs/make_results.py            # all of it
    python docs/make_results.py flips      # the runs whose title has this word; the others stay

Takes about half an hour on two cores. Every number in the page is what a command printed, on the day that stands there.
"""

import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
DATA = "examples/data"

HEAD = """# Results of the long runs

Made by `python docs/make_results.py`: {machine}, Python {python}. Times depend on the machine, and on what else ran on
it; ratios are of executors in one run. Counts of outputs do not depend on anything.
"""


def deploy(name: str) -> str:
    """Deploy a trained network on all of its held-back images."""
    return (
        f"snn2chip deploy {DATA}/{name}.pth --target loihi2 --input {DATA}/{name}_test.npy --layout NCHW "
        f"--labels {DATA}/{name}_test_labels.npy --out {{scratch}}/{name}"
    )


RUNS = (
    ("Engines against plain PyTorch, side by side", "snn2chip bench"),
    (
        "Every executor, Intel's Lava among them, side by side",
        "snn2chip bench executors --threads 1 --repeats 10",
    ),
    ("The digits network, all 360 held-back images", deploy("digits")),
    ("The MNIST network, all 1,000 held-back images", deploy("mnist")),
    ("The mapping beside published tables, and places on the mesh", "snn2chip bench mapping"),
    ("Whole compiles of networks of real size", "snn2chip bench compile"),
    (
        "Packed tables with flips of single bits: what notices them",
        "python -m tests.chip.fuzz_flips --flips 1000 --seed 0",
    ),
    (
        "Packed tables of Loihi 1 with flips of single bits",
        "python -m tests.chip.fuzz_flips --flips 1000 --seed 0 --target loihi1",
    ),
)


def section(title: str, words: str, scratch: str) -> str:
    """One run: its command, and what it printed on stdout."""
    command = words.format(scratch=scratch).removeprefix("python -m ").split()
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", *command],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    shown, printed = words.format(scratch="builds"), done.stdout.replace(scratch, "builds")
    day = f"Printed on {date.today().isoformat()}."
    return f"## {title}\n\n{day}\n\n```\n$ {shown}\n{printed.rstrip()}\n```\n"


def old_sections() -> dict[str, str]:
    """Title -> section of the page as it is."""
    page = HERE / "results.md"
    parts = page.read_text().split("\n## ")[1:] if page.exists() else []
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in parts}


def main() -> None:
    """Run everything, or what was asked for, then write the page whole."""
    asked, old = sys.argv[1:], old_sections()
    with tempfile.TemporaryDirectory() as scratch:
        sections = [
            section(title, words, scratch)
            if not asked or any(word in title for word in asked)
            else old.get(title, f"## {title}\n\nNot run yet: `{words.format(scratch='builds')}`\n")
            for title, words in RUNS
        ]
    head = HEAD.format(machine=platform.machine(), python=platform.python_version())
    (HERE / "results.md").write_text("\n".join([head, *sections]))


if __name__ == "__main__":
    main()
