"""Recorded cases, rebuilt and read: a checkpoint of the authors' code, its input, and what it fired."""

import numpy as np

from snn2chip.model import LoadedModel, ModelRequest, load_model
from tests.cases import casegen
from tests.cases.paths import CASES


def load_case(name, folder) -> LoadedModel:
    """The case's model, with its input; files are written to `folder`."""
    case = casegen.read_case(CASES / name)
    casegen.save_checkpoint(CASES / name, folder / f"{name}.pth")
    _, x, _ = casegen.load_case(CASES / name)
    np.save(folder / f"{name}.npy", x)
    cli = case["cli"]
    return load_model(
        ModelRequest(
            path=str(folder / f"{name}.pth"),
            arch=cli["arch"],
            options=cli["options"],
            input_path=str(folder / f"{name}.npy"),
            layout=case["input"]["layout"],
        )
    )


def differing(name, outputs) -> list[str]:
    """Sentences on what differs between `outputs` and the recording of the case.

    Joins that are recorded as multiples of a power of two are real numbers, which are not among a network's outputs.
    """
    exponents = casegen.read_case(CASES / name).get("join_exp", {})
    real = {f"{join}: missing" for join, exponent in exponents.items() if exponent}
    return [said for said in casegen.compare(CASES / name, outputs) if said not in real]
