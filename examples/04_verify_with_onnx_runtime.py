"""Runs an exported program in ONNX Runtime, without snn2chip.

python 04_verify_with_onnx_runtime.py program.onnx x.npy (real values; a second) prints the decisions.
"""

import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
told = session.get_modelmeta().custom_metadata_map
whole = np.rint(np.load(sys.argv[2]) / float(told["input.scale"]))
whole = np.clip(whole, int(told["input.low"]), int(told["input.high"]))
decisions = session.run(["decision"], {"input": whole.astype(told["input.type"])})
print(*np.asarray(decisions[0]).argmax(1))
