"""The runs that are finished, as a file: a killed debug goes on where it stopped."""

import json
from pathlib import Path

from snn2chip.debug.types import Counts
from snn2chip.errors import Snn2ChipError
from snn2chip.files import write_whole


class Journal:
    """Counts by the name of a run. The file is whole after every run; one of another question is begun anew."""

    def __init__(self, path: Path, question: str) -> None:
        """`question`: a digest of all that decides what the runs give."""
        self._path = path
        self._question = question
        self._runs = _read(path, question)

    @property
    def resumed(self) -> int:
        """Runs that were there already."""
        return len(self._runs)

    def get(self, name: str) -> Counts | None:
        """What the run called `name` gave, if it is finished."""
        return self._runs.get(name)

    def put(self, name: str, counts: Counts) -> None:
        """Keep a finished run."""
        self._runs[name] = counts
        runs = {name: c.to_dict() for name, c in self._runs.items()}
        write_whole(self._path, json.dumps({"question": self._question, "runs": runs}, indent=1))


def _read(path: Path, question: str) -> dict[str, Counts]:
    if not path.is_file():
        return {}
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if tree["question"] != question:
            return {}
        return {name: Counts(**counts) for name, counts in tree["runs"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise Snn2ChipError(
            "file-garbled", str(path), "is no list of runs", help="remove it, or name another --out"
        ) from e
