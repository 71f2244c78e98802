"""Callbacks of what takes seconds to import, against the same training without Caviar."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.told_trial import ToldTrial

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore"),  # theirs: about versions, workers and devices
]

EPOCHS, STOP = 6, 4
X = torch.rand(64, 5, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)


def parts(rate: float) -> tuple[Any, Any, Any]:
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Dropout(0.3), torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)


def train(model: Any, optimizer: Any, scheduler: Any) -> float:
    for rows in torch.randperm(64).split(16):
        optimizer.zero_grad()
        loss = (model(X[rows]) - Y[rows]).square().mean()
        loss.backward()
        optimizer.step()
    scheduler.step()
    return float(loss.detach())


def paused_and_resumed(training: Any, trial: ToldTrial) -> tuple[Any, ToldTrial]:
    """Train to a pause, then in another attempt to the end."""
    trial.stops_after = STOP
    training(trial)
    assert trial.steps == list(range(1, STOP + 1))
    again = trial.resumed()
    result = training(again)
    assert again.steps == list(range(1, EPOCHS + 1))
    return result, again


def test_pytorch_resumes_bit_for_bit_and_keeps_its_schedule_under_a_new_rate() -> None:
    from caviar.frameworks.torch import epochs

    def training(trial: ToldTrial) -> Any:
        model, optimizer, scheduler = parts(0.1)
        for epoch in epochs(trial, model, optimizer, scheduler):
            trial.report(epoch, loss=train(model, optimizer, scheduler))
        return model, optimizer

    plain, optimizer, scheduler = parts(0.1)
    for _ in range(EPOCHS):
        train(plain, optimizer, scheduler)
    (model, _), _ = paused_and_resumed(training, ToldTrial(EPOCHS))
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours, theirs)

    trial = ToldTrial(EPOCHS)
    trial.changes_at = {3: {"learning_rate": 0.01, "momentum": 0.5, "width": 3}}
    (_, changed), _ = paused_and_resumed(training, trial)
    assert changed.param_groups[0]["momentum"] == 0.5
    assert changed.param_groups[0]["lr"] == pytest.approx(0.01 * 0.5**3)  # three times halved by the end
    assert "learning_rate, lr, momentum" in trial.refused["width"]


def test_lightning_resumes_and_changes_its_rate() -> None:
    lightning = pytest.importorskip("lightning.pytorch")
    from caviar.frameworks.lightning import TrialCallback

    class Model(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.net = torch.nn.Linear(5, 1)
            self.rates: list[float] = []

        def training_step(self, batch: Any) -> Any:
            loss = (self.net(batch[0]) - batch[1]).square().mean()
            self.log("loss", loss, on_epoch=True, on_step=False)
            return loss

        def on_train_epoch_start(self) -> None:
            self.rates.append(self.optimizers().param_groups[0]["lr"])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)

    rows = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), 16)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}

    def training(trial: ToldTrial) -> Any:
        callback, model = TrialCallback(trial), Model()
        trainer = lightning.Trainer(max_epochs=EPOCHS, accelerator="cpu", callbacks=[callback], **quiet)
        trainer.fit(model, rows, ckpt_path=callback.resume)
        return model

    plain = Model()
    options = {"max_epochs": EPOCHS, "accelerator": "cpu", "enable_checkpointing": False, **quiet}
    lightning.Trainer(**options).fit(plain, rows)
    model, _ = paused_and_resumed(training, ToldTrial())
    assert torch.equal(model.net.weight, plain.net.weight)
    assert not any(Path.cwd().glob("checkpoints"))

    trial = ToldTrial()
    trial.changes_at = {2: {"learning_rate": 0.01, "width": 3}}
    model, _ = paused_and_resumed(training, trial)
    assert model.rates == [0.01, 0.01] and "width" in trial.refused


def test_keras_resumes_and_changes_its_rate() -> None:
    keras = pytest.importorskip("keras")
    from caviar.frameworks.keras import TrialCallback

    inputs, targets = X.numpy(), Y.numpy()

    def build(rate: Any = 0.1) -> Any:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss="mse")
        return model

    def training(trial: ToldTrial, rate: Any = 0.1) -> Any:
        model = build(rate)
        model.fit(inputs, targets, shuffle=False, verbose=0, epochs=EPOCHS, callbacks=[TrialCallback(trial)])
        return model

    plain = build()
    plain.fit(inputs, targets, shuffle=False, verbose=0, epochs=EPOCHS)
    model, _ = paused_and_resumed(training, ToldTrial())
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        assert ours == pytest.approx(theirs, abs=0)

    trial = ToldTrial()
    trial.changes_at = {2: {"learning_rate": 0.01, "epochs": 9}}
    model, _ = paused_and_resumed(training, trial)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert "Keras cannot change epochs" in trial.refused["epochs"]

    trial = ToldTrial()
    trial.changes_at = {2: {"learning_rate": 0.01}}
    training(trial, keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    assert "LearningRateSchedule" in trial.refused["learning_rate"]


@pytest.mark.parametrize("strategy", ["epoch", "steps"])
def test_a_trainer_of_hugging_face_resumes_and_changes_its_rate(strategy: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from caviar.frameworks.transformers import TrialCallback

    words = torch.randint(0, 10, (64, 3), generator=torch.Generator().manual_seed(0))
    data = [{"input_ids": one, "labels": (one.sum() > 13).long()} for one in words]
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}

    def trainer(callbacks: list[Any]) -> Any:
        transformers.set_seed(1)
        model = transformers.BertForSequenceClassification(transformers.BertConfig(vocab_size=10, **small))
        rates = {"learning_rate": 0.01, "num_train_epochs": EPOCHS, "use_cpu": True, "report_to": "none"}
        when = {"eval_strategy": strategy, "eval_steps": 4, "save_strategy": "no"}  # four steps are an epoch
        sizes = {"per_device_train_batch_size": 16, "disable_tqdm": True}
        arguments = transformers.TrainingArguments(str(tmp_path), **rates, **when, **sizes)
        sets = {"train_dataset": data, "eval_dataset": data}
        return transformers.Trainer(model, arguments, callbacks=callbacks, **sets)

    rates: list[float] = []

    def training(trial: ToldTrial) -> Any:
        callback = TrialCallback(trial)
        made = trainer([callback])
        made.train(resume_from_checkpoint=callback.resume)
        made.evaluate()  # which is no step
        rates.append(made.lr_scheduler.base_lrs[0])
        return made.model

    plain = trainer([])
    plain.train()
    model, again = paused_and_resumed(training, ToldTrial())
    for ours, theirs in zip(model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert "eval_loss" in again.told[-1][1] and not any(tmp_path.glob("checkpoint-*"))

    trial = ToldTrial()
    trial.changes_at = {2: {"learning_rate": 0.02, "epochs": 9}}
    paused_and_resumed(training, trial)
    assert rates[-1] == pytest.approx(0.02) and "epochs" in trial.refused
