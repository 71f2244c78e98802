"""A loop of PyTorch: stopped early, resumed, and changed while it trains. Start a server, then this.

python examples/frameworks/pytorch_loop.py [search]
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

from caviar import Client
from caviar.frameworks.torch import epochs

SEARCH = {
    "name": "PyTorch loop",
    "trainer": "external",
    "settings": {"epochs": 8},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-3, "high": 1.0},
        "momentum": {"scale": "one_minus_log", "low": 0.5, "high": 0.99},
    },
    "stopping": {"name": "successive_halving", "first": 2},
    "objective": {"metric": "dev_error", "direction": "minimize"},
    "budget": {"trials": 4},
    "seed": 1,
}
digits = load_digits()
X, y = torch.tensor(digits.data / 16.0, dtype=torch.float32), torch.tensor(digits.target)
TRAIN, DEV = slice(0, 1400), slice(1400, None)


def main() -> None:
    client = Client()
    search = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(SEARCH)
    for trial in client.ask(search):
        torch.manual_seed(trial.seed)
        model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
        rates = {"lr": trial.params["learning_rate"], "momentum": trial.params["momentum"]}
        optimizer = torch.optim.SGD(model.parameters(), **rates)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
        for epoch in epochs(trial, model, optimizer, scheduler):
            for rows in torch.randperm(1400).split(64):
                optimizer.zero_grad()
                cross_entropy(model(X[TRAIN][rows]), y[TRAIN][rows]).backward()
                optimizer.step()
            scheduler.step()
            wrong = model(X[DEV]).argmax(1) != y[DEV]
            trial.report(epoch, dev_error=wrong.float().mean())
    for best in client.best(search, k=1):
        print(f"{best.id}: dev error {best.value:.2%} with {dict(best.params)}")


if __name__ == "__main__":
    main()
