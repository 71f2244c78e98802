"""What a server process loads: trainings and large libraries run in processes of their own."""

import subprocess
import sys

PROGRAM = """
import sys
import caviar.service.serving, caviar.service.app
large = ("numba", "llvmlite", "sklearn", "pandas", "pyarrow", "optuna", "ray", "onnx")
print(*(name for name in large if name in sys.modules))
"""


def test_a_server_loads_no_compiler_and_no_library_of_data():
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
