"""snn2chip: a trained spiking ResNet to a verified program of a neuromorphic chip.

Every command of the CLI is one function here; each takes plain values and returns a frozen result with
`lines()` for people and `to_dict()` for machines. Nothing heavy is imported until a function is called.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from snn2chip.demonstration import demo
    from snn2chip.errors import Finding, Snn2ChipError, StatementError
    from snn2chip.explore.explore import explore_model
    from snn2chip.explore.points import Axes
    from snn2chip.model import ModelRequest
    from snn2chip.options import BuildOptions, QuantizeOptions
    from snn2chip.parallel import Workers
    from snn2chip.pipeline import deploy
    from snn2chip.stages.audit import audit_build
    from snn2chip.stages.bench import run_bench, run_mapping
    from snn2chip.stages.check import check
    from snn2chip.stages.compile import compile_model
    from snn2chip.stages.convert import convert
    from snn2chip.stages.cost import cost
    from snn2chip.stages.debug import debug_accuracy
    from snn2chip.stages.doctor import doctor
    from snn2chip.stages.energy import estimate_energy
    from snn2chip.stages.explain import explain
    from snn2chip.stages.finetune import finetune
    from snn2chip.stages.inspect import inspect_model
    from snn2chip.stages.lava import export_lava
    from snn2chip.stages.live import LiveModel, read
    from snn2chip.stages.onnx import export_onnx
    from snn2chip.stages.report import write_report
    from snn2chip.stages.rerun import rerun
    from snn2chip.stages.simulate import simulate
    from snn2chip.stages.targets import targets
    from snn2chip.stages.trace import trace
    from snn2chip.stages.train import train
    from snn2chip.stages.twin import write_twin
    from snn2chip.stages.verify import verify_build

_HOME = {
    "Finding": "errors",
    "Snn2ChipError": "errors",
    "StatementError": "errors",
    "ModelRequest": "model",
    "Axes": "explore.points",
    "BuildOptions": "options",
    "QuantizeOptions": "options",
    "deploy": "pipeline",
    "audit_build": "stages.audit",
    "run_bench": "stages.bench",
    "run_mapping": "stages.bench",
    "check": "stages.check",
    "compile_model": "stages.compile",
    "convert": "stages.convert",
    "cost": "stages.cost",
    "debug_accuracy": "stages.debug",
    "demo": "demonstration",
    "doctor": "stages.doctor",
    "estimate_energy": "stages.energy",
    "explain": "stages.explain",
    "explore_model": "explore.explore",
    "export_lava": "stages.lava",
    "export_onnx": "stages.onnx",
    "finetune": "stages.finetune",
    "inspect_model": "stages.inspect",
    "read": "stages.live",
    "LiveModel": "stages.live",
    "Workers": "parallel",
    "write_report": "stages.report",
    "rerun": "stages.rerun",
    "simulate": "stages.simulate",
    "targets": "stages.targets",
    "trace": "stages.trace",
    "train": "stages.train",
    "write_twin": "stages.twin",
    "verify_build": "stages.verify",
}

__all__ = [
    "Axes",
    "BuildOptions",
    "Finding",
    "LiveModel",
    "ModelRequest",
    "QuantizeOptions",
    "Snn2ChipError",
    "StatementError",
    "Workers",
    "audit_build",
    "check",
    "compile_model",
    "convert",
    "cost",
    "debug_accuracy",
    "demo",
    "deploy",
    "doctor",
    "estimate_energy",
    "explain",
    "explore_model",
    "export_lava",
    "export_onnx",
    "finetune",
    "inspect_model",
    "read",
    "rerun",
    "run_bench",
    "run_mapping",
    "simulate",
    "targets",
    "trace",
    "train",
    "verify_build",
    "write_report",
    "write_twin",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'snn2chip' has no attribute {name!r}")
    return getattr(import_module(f"snn2chip.{_HOME[name]}"), name)
