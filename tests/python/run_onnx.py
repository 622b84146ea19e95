"""Runs an exported model.

run_onnx.py FOLDER INPUTS: FOLDER holds model.onnx, INPUTS is a JSON file with counts and, if the model has
any, categories, both as lists of rows. Prints all outputs as JSON.
"""

import json
import sys
from pathlib import Path

import numpy
import onnxruntime

folder, inputs = map(Path, sys.argv[1:])
inputs = json.loads(inputs.read_text())
feed = {"counts": numpy.array(inputs["counts"], dtype=numpy.float32)}
if "categories" in inputs:
    feed["categories"] = numpy.array(inputs["categories"], dtype=object)
session = onnxruntime.InferenceSession(
    folder / "model.onnx", providers=["CPUExecutionProvider"]
)
names = [output.name for output in session.get_outputs()]
values = session.run(names, feed)
print(json.dumps({name: value.tolist() for name, value in zip(names, values)}))
