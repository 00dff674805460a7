"""The what-if points that are explored in several ways."""

from pathlib import Path

DATA = Path(__file__).parents[2] / "examples" / "data"
GRID = ("--weight-bits", "8,3", "--coding", "auto,events")


def words(few: Path, out: Path, *more: str) -> list[str]:
    """The command that explores four points of the digits network."""
    named = [str(DATA / "digits.pth"), "--input", str(few / "x.npy"), "--layout", "NCHW"]
    return ["explore", *named, "--labels", str(few / "y.npy"), "--out", str(out), *GRID, *more]


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {p.name: p.read_bytes() for p in folder.iterdir()}
