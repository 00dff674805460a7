"""Check a `.nir` file before anything slow: every defect and everything that does not fit, at once.

python examples/01_check_nir_file.py FILE.nir CONVENTION STEPS TARGET (a second). The convention is the library that
wrote the file: a .nir file does not say how its neurons step in time, nor for how many steps.
"""

import sys

import snn2chip


def main(path: str, convention: str, steps: str, target: str) -> list[str]:
    """The findings, errors first, and what to do about each; the last line is the answer."""
    model = snn2chip.ModelRequest(path=path, convention=convention, steps=int(steps))
    checked = snn2chip.check(snn2chip.BuildOptions(model=model, target=target))
    pages = {f.code: snn2chip.explain(f.code).pages[f.code] for f in checked.findings}
    return [*checked.lines(), *(f"{code}: {page.help}" for code, page in pages.items())]


if __name__ == "__main__":
    print("\n".join(main(*sys.argv[1:])))
