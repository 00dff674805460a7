"""`onnx export`: the integer program of a build as ONNX models of standard operators."""

from dataclasses import dataclass
from pathlib import Path

from snn2chip.build import open_build
from snn2chip.engines.registry import package_missing
from snn2chip.files import write_whole
from snn2chip.progress import Progress, Silent
from snn2chip.stages.data import existing


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The two files; `operators`: how many nodes of each kind the window has, its loops included."""

    window: Path
    step: Path
    opset: int
    ir_version: int
    operators: dict[str, int]

    def lines(self) -> list[str]:
        """The files, and what is in them."""
        counted = ", ".join(f"{n} {op}" for op, n in sorted(self.operators.items()))
        return [
            f"all steps: {self.window}",
            f"one step:  {self.step}",
            f"opset {self.opset}, IR version {self.ir_version}; checked by onnx",
            counted,
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "window": str(self.window),
            "step": str(self.step),
            "opset": self.opset,
            "ir_version": self.ir_version,
            "operators": self.operators,
        }


def export_onnx(
    build: str | Path,
    output: str | Path,
    *,
    integer: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write all T steps of `build` to `output`, and one step beside it: NAME.onnx, NAME.step.onnx.

    `integer`: convolutions of integers only. Errors: StatementError `onnx-width`; `package-missing` without onnx.
    """
    try:
        import onnx

        from snn2chip.onnx_export.models import IR_VERSION, OPSET, step_model, window_model
    except ModuleNotFoundError as e:
        raise package_missing("onnx export", str(e.name), "onnx") from e
    tell = progress or Silent()
    window = existing(output)
    step = existing(window.with_suffix(f".step{window.suffix or '.onnx'}"))
    qc = open_build(build).quantized()
    operators: dict[str, int] = {}
    with tell.stage("onnx"):
        models = [
            (path, make(qc, floats=not integer))
            for path, make in ((window, window_model), (step, step_model))
        ]
        for path, model in models:
            onnx.checker.check_model(model, full_check=True)
            write_whole(path, model.SerializeToString(deterministic=True))
    graphs = [models[0][1].graph]
    while graphs:
        for node in graphs.pop().node:
            operators[node.op_type] = operators.get(node.op_type, 0) + 1
            graphs += [a.g for a in node.attribute if a.name == "body"]
    return Exported(
        window=window, step=step, opset=OPSET, ir_version=IR_VERSION, operators=operators
    )
