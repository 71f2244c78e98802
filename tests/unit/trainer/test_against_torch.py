"""PyTorch, given the same data, weights and mini-batches, arrives at the same parameters after 20 epochs."""

from itertools import pairwise

import numpy as np
import pytest

from caviar.trainer.data import load
from caviar.trainer.initialization import initial_weights
from caviar.trainer.network import Network
from caviar.trainer.plugin import MLP
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings
from caviar.trainer.shuffling import order_of_epoch

torch = pytest.importorskip("torch")  # conftest.py leaves this file out where there is none
torch.set_num_threads(1)  # on nets this small more threads only wait for each other
SEED, EPOCHS, BATCH, LAMBDA = 5, 20, 64, 0.8
RATES = {"gd": 0.1, "momentum": 0.1, "rmsprop": 0.0005, "adam": 0.002}


@pytest.fixture(scope="module")
def sets():
    return {name: load({"name": name}, "float64") for name in ("digits", "breast_cancer", "diabetes")}


class Net(torch.nn.Module):
    """The same layers, built of PyTorch's own."""

    def __init__(self, sizes, tensors, batch_norm):
        super().__init__()
        layers = []
        for layer, (n_in, n_out) in enumerate(pairwise(sizes), 1):
            hidden = layer < len(sizes) - 1
            linear = torch.nn.Linear(n_in, n_out, bias=not (batch_norm and hidden), dtype=torch.float64)
            linear.weight.data = torch.tensor(tensors[f"W{layer}"].copy())
            layers.append(linear)
            if batch_norm and hidden:
                layers.append(torch.nn.BatchNorm1d(n_out, eps=1e-5, momentum=0.1, dtype=torch.float64))
            elif linear.bias is not None:
                linear.bias.data = torch.tensor(tensors[f"b{layer}"].copy())
            if hidden:
                layers.append(torch.nn.Tanh())
        self.layers = torch.nn.Sequential(*layers)

    def parameters_by_name(self):
        names, layer = {}, 0
        for module in self.layers:
            if isinstance(module, torch.nn.Linear):
                layer += 1
                names[f"W{layer}"] = module.weight
                if module.bias is not None:
                    names[f"b{layer}"] = module.bias
            elif isinstance(module, torch.nn.BatchNorm1d):
                names[f"gamma{layer}"], names[f"beta{layer}"] = module.weight, module.bias
        return names


def optimizer_of(name, net, alpha):
    if name == "gd":
        return torch.optim.SGD(net.parameters(), lr=alpha)
    if (
        name == "momentum"
    ):  # v = beta v + (1 - beta) dW is dampening = beta, but for the first step: see `zero_start`
        return torch.optim.SGD(net.parameters(), lr=alpha, momentum=0.9, dampening=0.9)
    if name == "rmsprop":
        return torch.optim.RMSprop(net.parameters(), lr=alpha, alpha=0.999, eps=1e-8)
    return torch.optim.Adam(net.parameters(), lr=alpha, betas=(0.9, 0.999), eps=1e-8)


def zero_start(optimizer):
    """PyTorch begins momentum with v = dW, the course with v = 0."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


def cost_of(net, kind, X, y, l2):
    Z = net.layers(X)
    if kind == "binary":
        cost = torch.nn.functional.binary_cross_entropy_with_logits(Z[:, 0], y.double())
    elif kind == "multiclass":
        cost = torch.nn.functional.cross_entropy(Z, y.long())
    else:
        cost = torch.nn.functional.mse_loss(Z, y)
    weights = [p for name, p in net.parameters_by_name().items() if name.startswith("W")]
    return cost + l2 / (2 * len(X)) * sum((W**2).sum() for W in weights)


def train_torch(data, tensors, settings, alpha):
    net = Net(Network.of(settings, data).sizes, tensors, settings.batch_norm)
    optimizer = optimizer_of(settings.optimizer, net, alpha)
    if settings.optimizer == "momentum":
        zero_start(optimizer)
    X, y = torch.tensor(data.X_train.copy()), torch.tensor(data.Y_train.copy())
    net.train()
    for epoch in range(1, EPOCHS + 1):
        order = torch.tensor(order_of_epoch(SEED, epoch, len(X)).astype(np.int64))
        for begin in range(0, len(X), BATCH):
            batch = order[begin : begin + BATCH]
            optimizer.zero_grad()
            cost_of(net, data.kind, X[batch], y[batch], settings.l2).backward()
            optimizer.step()
    return {name: p.detach().numpy() for name, p in net.parameters_by_name().items()}


@pytest.mark.parametrize("dataset", ["digits", "breast_cancer", "diabetes"])
@pytest.mark.parametrize("optimizer", list(RATES))
@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch_norm"])
@pytest.mark.parametrize("l2", [0.0, LAMBDA], ids=["no_l2", "l2"])
def test_parameters_agree_after_20_epochs(sets, dataset, optimizer, batch_norm, l2):
    data, alpha = sets[dataset], RATES[optimizer]
    settings = make_settings(
        {
            "precision": "float64",
            "hidden_units": [32, 16],
            "activation": "tanh",
            "optimizer": optimizer,
            "learning_rate": alpha,
            "beta2": 0.999,
            "batch_norm": batch_norm,
            "l2": l2,
            "batch_size": BATCH,
            "epochs": EPOCHS,
        }
    )
    network = Network.of(settings, data)
    weights = initial_weights(network, settings, SEED, np.float64)
    theirs = train_torch(data, network.tensors(weights), settings, alpha)
    run = Run(settings, data, SEED, weights=weights.copy())
    while run.status == "running":
        run.advance()
    ours = {n: v for n, v in network.tensors(run.weights).items() if not n.startswith(("mean", "variance"))}
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert np.linalg.norm(ours[name] - value) <= 1e-6 * np.linalg.norm(value), name


def test_the_order_is_a_new_permutation_each_epoch():
    orders = [order_of_epoch(SEED, epoch, 50) for epoch in (1, 2)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert orders[0].tolist() != orders[1].tolist()
    assert orders[0].tolist() == order_of_epoch(SEED, 1, 50).tolist()


@pytest.mark.parametrize("frozen", [0, 1, 2])
@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch_norm"])
def test_what_is_not_frozen_agrees_with_pytorch_from_the_same_model(tmp_path, frozen, batch_norm):
    """PyTorch freezes by requires_grad and eval; it begins with the weights and averages of the model."""
    mlp, path = MLP(), tmp_path / "model.safetensors"
    first = {"precision": "float64", "hidden_units": [32, 16], "activation": "tanh", "epochs": 3}
    first |= {"batch_norm": batch_norm, "batch_size": BATCH}
    run = mlp.start(first, mlp.load({"name": "digits"}, first), 1)
    while run.status == "running":
        run.advance()
    path.write_bytes(run.model())

    wanted = {"init_from": str(path), "frozen_layers": frozen, "epochs": EPOCHS, "batch_size": BATCH}
    wanted |= {"learning_rate": 0.002, "l2": 0}
    run = mlp.start(wanted, mlp.load({"name": "digits", "seed": 8}, wanted), SEED)
    data, tensors = run.data, {name: value.copy() for name, value in run.network.tensors(run.weights).items()}
    while run.status == "running":
        run.advance()

    net = Net(run.network.sizes, tensors, batch_norm)
    norms = [module for module in net.layers if isinstance(module, torch.nn.BatchNorm1d)]
    for layer, norm in enumerate(norms, 1):
        norm.weight.data, norm.bias.data = (
            torch.tensor(tensors[f"{name}{layer}"]) for name in ("gamma", "beta")
        )
        norm.running_mean = torch.tensor(tensors[f"mean{layer}"])
        norm.running_var = torch.tensor(tensors[f"variance{layer}"])
    net.train()
    for name, parameter in net.parameters_by_name().items():
        parameter.requires_grad = int(name[-1]) > frozen
    for norm in norms[:frozen]:
        norm.eval()
    learning = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=0.002)
    X, y = torch.tensor(data.X_train.copy()), torch.tensor(data.Y_train.copy())
    for epoch in range(1, EPOCHS + 1):
        order = torch.tensor(order_of_epoch(SEED, epoch, len(X)).astype(np.int64))
        for begin in range(0, len(X), BATCH):
            batch = order[begin : begin + BATCH]
            optimizer.zero_grad()
            cost_of(net, data.kind, X[batch], y[batch], 0.0).backward()
            optimizer.step()
    ours = run.network.tensors(run.weights)
    for name, parameter in net.parameters_by_name().items():
        value = parameter.detach().numpy()
        assert np.linalg.norm(ours[name] - value) <= 1e-6 * np.linalg.norm(value), name
    for layer, norm in enumerate(norms, 1):
        assert np.allclose(ours[f"mean{layer}"], norm.running_mean.numpy(), rtol=1e-6, atol=1e-9)
