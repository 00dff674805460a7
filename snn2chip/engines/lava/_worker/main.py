# pyright: basic, reportMissingImports=false
"""The worker: runs plans in Lava. It imports neither torch nor snn2chip, and talks with the runner by files.

python main.py FOLDER     run the plans (folders) that FOLDER/plans.json lists; `progress` is written there
python main.py --check    print versions, or fail
"""

import json
import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import guard


def main(words) -> None:
    """Run what was asked for, and leave without waiting for anything of Lava."""
    guard.name_memory()
    import shim  # noqa: F401

    if words == ["--check"]:
        print(json.dumps(versions()))
        return
    guard.follow_parent()
    guard.watch_models()
    guard.watch_processes()
    folder = Path(words[0])
    try:
        run_all(folder)
    except BaseException:
        traceback.print_exc()
        guard.end_group()
    (folder / "done").touch()
    sys.stdout.flush()
    os._exit(0)


def run_all(folder: Path) -> None:
    """Every plan, one after the other."""
    import graph

    for name in json.loads((folder / "plans.json").read_text()):
        graph.run(folder / name, lambda done, name=name: tell(folder, name, done))


def tell(folder: Path, name: str, done: int) -> None:
    """Progress for the runner: a sign of life."""
    fresh = folder / "progress.new"
    fresh.write_text(json.dumps([name, done]))
    fresh.replace(folder / "progress")


def versions() -> dict:
    """What runs here; raises where Lava or what it needs is missing."""
    from importlib.metadata import version

    import graph  # noqa: F401

    told = {p: version(p) for p in ("lava-nc", "numpy", "scipy")}
    return {"python": ".".join(map(str, sys.version_info[:3])), **told}


if __name__ == "__main__":
    main(sys.argv[1:])
