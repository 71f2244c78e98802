"""A training loop of one's own takes part in a search: ask, report, obey.

Start a server (make serve), then this script, in as many terminals as you like:
python examples/own_script.py [search]
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from caviar import Client

X, y = load_digits(return_X_y=True)
X_train, X_dev, y_train, y_dev = train_test_split(X / 16.0, y, test_size=0.2, random_state=0)


def main() -> None:
    """Train the trials of a search, a new one unless its number is given."""
    client = Client()
    number = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(Path(__file__).with_suffix(".yaml")).id
    print(f"search {number}; to help it along, elsewhere: python {sys.argv[0]} {number}")
    for trial in client.ask(number):
        model = SGDClassifier(
            loss="log_loss",
            alpha=max(trial.params["l2"], 1e-12),
            learning_rate="constant",
            eta0=trial.params["learning_rate"],
            random_state=trial.seed % 2**31,
        )
        for _ in range(trial.epochs or 1):
            model.partial_fit(X_train, y_train, classes=np.arange(10))
            trial.report(dev_error=1.0 - model.score(X_dev, y_dev))
            if trial.should_stop:
                break
        print(trial.id, trial.should_stop or "trained to the end")
    for best in client.best(number, k=3):
        print(f"{best.id}: dev error {best.value:.2%} with {dict(best.params)}")


if __name__ == "__main__":
    main()
