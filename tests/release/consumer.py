"""A user's code against the installed package. `pyright` in strict mode finds every type of it in the wheel."""

# pyright: strict

from pathlib import Path

from snn2chip import (
    BuildOptions,
    ModelRequest,
    Snn2ChipError,
    check,
    deploy,
    estimate_energy,
    inspect_model,
    verify_build,
)


def question(checkpoint: Path, images: Path, build: Path) -> list[str]:
    """Does it fit, does it still work, what does it cost?"""
    request = ModelRequest(path=str(checkpoint), input_path=str(images), steps=4)
    options = BuildOptions(model=request, target="loihi2")
    lines = [*inspect_model(request).lines(), *check(options).lines()]
    try:
        deploy(options, build)
        verified = verify_build(build, str(images), engines=("layer", "core"))
    except Snn2ChipError as error:
        return [*lines, str(error)]
    return [*lines, *verified.lines(), *estimate_energy(build).lines()]
