"""Write docs/results.md: the last results of the long runs, each with the command that printed them.

    python docs/make_results.py

Takes about five minutes on two cores. Every number in the page is what a command printed.
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

Made by `python docs/make_results.py` on {date}: {machine}, Python {python}. Times depend on the machine; ratios are of
executors that ran interleaved in one process. Counts of outputs do not depend on anything.
"""


def deploy(name: str) -> str:
    """Deploy a trained network on all of its held-back images."""
    return (
        f"deploy {DATA}/{name}.pth --target loihi2 --input {DATA}/{name}_test.npy --layout NCHW "
        f"--labels {DATA}/{name}_test_labels.npy --out {{scratch}}/{name}"
    )


RUNS = (
    ("Engines against plain PyTorch, side by side", "bench"),
    ("The digits network, all 360 held-back images", deploy("digits")),
    ("The MNIST network, all 1,000 held-back images", deploy("mnist")),
)


def section(title: str, words: str, scratch: str) -> str:
    """One run: its command, and what it printed on stdout."""
    command = words.format(scratch=scratch).split()
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "snn2chip", *command],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    shown, printed = words.format(scratch="builds"), done.stdout.replace(scratch, "builds")
    return f"## {title}\n\n```\n$ snn2chip {shown}\n{printed.rstrip()}\n```\n"


def main() -> None:
    """Run everything, then write the page whole."""
    with tempfile.TemporaryDirectory() as scratch:
        sections = [section(title, words, scratch) for title, words in RUNS]
    head = HEAD.format(
        date=date.today().isoformat(), machine=platform.machine(), python=platform.python_version()
    )
    (HERE / "results.md").write_text("\n".join([head, *sections]))


if __name__ == "__main__":
    main()
