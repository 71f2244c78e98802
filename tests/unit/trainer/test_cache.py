"""The cache of compiled kernels: where it is, what makes it another one, and that it is used."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import time; begin = time.perf_counter()
import numpy as np
from caviar.trainer.data.types import Data
from caviar.trainer.plugin import MLP
X = np.linspace(-1, 1, 40, dtype="f4").reshape(20, 2)
Y = np.arange(20, dtype="i4") % 2
run = MLP().start({"hidden_units": 3, "epochs": 1}, Data("binary", X, Y, X, Y, n_classes=2), 0)
while run.status == "running":
    run.advance()
print(time.perf_counter() - begin)
"""


def digest(**environment):
    program = "from caviar.trainer.cache import digest; print(digest())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_another_kind_of_kernel_has_another_folder():
    assert digest() == digest() != digest(CAVIAR_KERNELS="blas")


def test_a_folder_that_cannot_be_written_is_passed_over(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    program = "from caviar.trainer.cache import folder; print(folder())"
    environment = {**os.environ, "CAVIAR_CACHE": str(blocked), "XDG_CACHE_HOME": str(tmp_path / "other")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(str(tmp_path / "other"))


def _run(program, environment):
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


BITS = """
import hashlib
import numpy as np
from caviar.trainer.data.types import Data
from caviar.trainer.plugin import MLP
rng = np.random.default_rng(0)
X = rng.normal(size=(96, 12)).astype("f4")
dev = np.arange(32, dtype="i4") % 3
data = Data("multiclass", X, rng.integers(0, 3, 96).astype("i4"), X[:32], dev, n_classes=3)
digests = []
for settings in (
    {"optimizer": "momentum", "batch_norm": True, "keep_prob": 0.8, "decay": "exponential"},
    {"optimizer": "adam", "activation": "sigmoid", "batch_norm": True, "l2": 0.1},
):
    run = MLP().start({"hidden_units": [24, 16], "epochs": 3, "batch_size": 32, **settings}, data, 1)
    while run.status == "running":
        run.advance()
    digests.append(hashlib.sha256(run._state.weights.tobytes()).hexdigest())
print(*digests)
"""


def test_a_run_has_the_same_bits_whether_its_kernels_were_compiled_or_loaded(tmp_path):
    environment = {**os.environ, "CAVIAR_CACHE": str(tmp_path)}
    compiled, loaded = (_run(BITS, environment) for _ in range(2))
    assert "compiling the kernels" in compiled.stderr
    assert loaded.stderr == ""
    assert compiled.stdout == loaded.stdout


@pytest.mark.soak
def test_the_first_start_says_what_it_waits_for_and_the_next_does_not_wait(tmp_path):
    environment = {**os.environ, "CAVIAR_CACHE": str(tmp_path)}

    cold, warm = (_run(PROGRAM, environment) for _ in range(2))
    assert "compiling the kernels" in cold.stderr
    assert warm.stderr == ""
    assert float(warm.stdout) < 0.5 * float(cold.stdout)


@pytest.mark.soak  # it compiles twice
@pytest.mark.parametrize("kind", ["nbc", "nbi"])
def test_damaged_kernels_are_compiled_again(tmp_path, kind):
    environment = {**os.environ, "CAVIAR_CACHE": str(tmp_path)}
    first = _run(BITS, environment).stdout
    largest = max(tmp_path.rglob(f"*.{kind}"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:20])
    again = _run(BITS, environment)
    assert again.stdout == first
    assert "cannot be loaded" in again.stderr and "compiled again" in again.stderr
    assert _run(BITS, environment).stderr == ""
