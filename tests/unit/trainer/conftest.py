"""PyTorch is not in the development environment: where it is missing, the comparison is left out."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["test_against_torch.py"]


def pytest_terminal_summary(terminalreporter):
    if collect_ignore:
        terminalreporter.write_line(
            "Not run: test_against_torch.py (`pip install torch`, or `make bench` does)"
        )
