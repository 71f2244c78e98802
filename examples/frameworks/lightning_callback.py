"""A Trainer of Lightning with a callback. Start a server, then this.

python examples/frameworks/lightning_callback.py [search]
"""

import logging
import sys

import torch
from lightning.pytorch import LightningModule, Trainer
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from caviar import Client
from caviar.frameworks.lightning import TrialCallback

SEARCH = {
    "name": "Lightning",
    "trainer": "external",
    "settings": {"epochs": 4},
    "space": {"learning_rate": {"scale": "log", "low": 1e-3, "high": 1.0}},
    "objective": {"metric": "dev_loss", "direction": "minimize"},
    "budget": {"trials": 3},
    "seed": 1,
}
digits = load_digits()
ROWS = TensorDataset(torch.tensor(digits.data / 16.0, dtype=torch.float32), torch.tensor(digits.target))
TRAIN, DEV = torch.utils.data.random_split(ROWS, [1400, 397], torch.Generator().manual_seed(0))


class Model(LightningModule):
    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
        self.learning_rate = learning_rate

    def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
        return cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch: list[torch.Tensor]) -> None:
        self.log("dev_loss", cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.learning_rate)


def main() -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    client = Client()
    search = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(SEARCH)
    for trial in client.ask(search):
        torch.manual_seed(trial.seed)
        callback = TrialCallback(trial)
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        trainer = Trainer(max_epochs=trial.epochs, accelerator="cpu", callbacks=[callback], **quiet)
        loaders = DataLoader(TRAIN, 64, shuffle=True), DataLoader(DEV, 400)
        trainer.fit(Model(trial.params["learning_rate"]), *loaders, ckpt_path=callback.resume)
    for best in client.best(search, k=1):
        print(f"{best.id}: dev loss {best.value:.3f} with {dict(best.params)}")


if __name__ == "__main__":
    main()
