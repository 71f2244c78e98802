"""A Trainer of Hugging Face with a callback: a small transformer learns to add digits. Start a server first.

python examples/frameworks/huggingface_trainer.py [search]
"""

import sys
import tempfile

import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

from caviar import Client
from caviar.frameworks.transformers import TrialCallback

SEARCH = {
    "name": "Hugging Face Trainer",
    "trainer": "external",
    "settings": {"epochs": 3},
    "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-1}},
    "objective": {"metric": "eval_loss", "direction": "minimize"},
    "budget": {"trials": 3},
    "seed": 1,
}
WORDS = torch.randint(0, 10, (640, 3), generator=torch.Generator().manual_seed(0))


class Sums(Dataset):
    """Whether the sum of three digits is above 13."""

    def __init__(self, words: torch.Tensor) -> None:
        self.words = words

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, row: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.words[row], "labels": (self.words[row].sum() > 13).long()}


def main() -> None:
    client = Client()
    search = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(SEARCH)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    for trial in client.ask(search):
        set_seed(trial.seed % 2**32)
        callback = TrialCallback(trial)
        with tempfile.TemporaryDirectory() as folder:
            rates = {"learning_rate": trial.params["learning_rate"], "num_train_epochs": trial.epochs}
            sizes = {"per_device_train_batch_size": 64, "per_device_eval_batch_size": 128, "use_cpu": True}
            when = {"eval_strategy": "epoch", "save_strategy": "no", "report_to": "none"}
            arguments = TrainingArguments(folder, disable_tqdm=True, **rates, **sizes, **when)
            model = BertForSequenceClassification(BertConfig(vocab_size=10, **small))
            data = {"train_dataset": Sums(WORDS[:512]), "eval_dataset": Sums(WORDS[512:])}
            trainer = Trainer(model, arguments, callbacks=[callback], **data)
            trainer.train(resume_from_checkpoint=callback.resume)
    for best in client.best(search, k=1):
        print(f"{best.id}: loss {best.value:.3f} with {dict(best.params)}")


if __name__ == "__main__":
    main()
