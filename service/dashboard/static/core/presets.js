/** What the form offers: usual ranges of the settings of `mlp`, and examples ready to run. */

/** In the order in which they matter. Where nothing is said, all choices of the setting are offered. */
export const RANGES = /** @type {Record<string, Definition>} */ ({
  learning_rate: { scale: "log", low: 0.0001, high: 1 },
  momentum: { scale: "one_minus_log", low: 0.8, high: 0.99 },
  batch_size: { choices: [32, 64, 128, 256] },
  hidden_units: { scale: "linear", type: "int", low: 32, high: 128 },
  hidden_layers: { scale: "linear", type: "int", low: 1, high: 4 },
  decay_rate: { scale: "log", low: 0.001, high: 1, zero: 0.3 },
  l2: { scale: "log", low: 0.0001, high: 10, zero: 0.2 },
  l1: { scale: "log", low: 0.000001, high: 0.01, zero: 0.5 },
  keep_prob: { scale: "linear", low: 0.5, high: 1 },
  activation: {},
  optimizer: {},
  batch_norm: { choices: [true, false] },
  beta1: { scale: "one_minus_log", low: 0.9, high: 0.999 },
  beta2: { scale: "one_minus_log", low: 0.9, high: 0.9999 },
  epsilon: { scale: "log", low: 1e-10, high: 0.00001 },
});

/** @param {Partial<Spec>} part */
const example = (part) => /** @type {Spec} */ ({ trainer: "mlp", stopping: { name: "none" }, mode: "caviar", parallel: 2, seed: 7, ...part });

/** @type {Record<string, {title: string, spec: Spec}>} */
export const EXAMPLES = {
  digits: {
    title: "Handwritten digits, coarse to fine",
    spec: example({
      name: "digits",
      dataset: { name: "digits" },
      settings: { epochs: 20, hidden_layers: 2, optimizer: "adam" },
      space: { learning_rate: { scale: "log", low: 0.0001, high: 0.1 }, beta1: { scale: "one_minus_log", low: 0.9, high: 0.999 }, hidden_units: { scale: "linear", type: "int", low: 32, high: 96 }, l2: { scale: "log", low: 0.0001, high: 1, zero: 0.2 } },
      strategy: { name: "coarse_to_fine", rounds: 4 },
      objective: { metric: "dev_error", direction: "minimize" },
      budget: { trials: 40 },
    }),
  },
  breast_cancer: {
    title: "Breast cancer, at random",
    spec: example({
      name: "breast cancer",
      dataset: { name: "breast_cancer" },
      settings: { epochs: 40, hidden_layers: 1, hidden_units: 16 },
      space: { learning_rate: { scale: "log", low: 0.001, high: 1 }, optimizer: { choices: ["momentum", "adam"] }, momentum: { scale: "one_minus_log", low: 0.8, high: 0.99, when: { optimizer: "momentum" } }, keep_prob: { scale: "linear", low: 0.6, high: 1 } },
      strategy: { name: "random" },
      objective: { metric: "dev_error", direction: "minimize" },
      budget: { trials: 30 },
    }),
  },
  diabetes: {
    title: "Diabetes, a regression, TPE with early stopping",
    spec: example({
      name: "diabetes",
      dataset: { name: "diabetes" },
      settings: { epochs: 60, hidden_layers: 1, optimizer: "adam" },
      space: { learning_rate: { scale: "log", low: 0.0001, high: 0.1 }, hidden_units: { scale: "log", type: "int", low: 4, high: 64 }, l2: { scale: "log", low: 0.001, high: 10, zero: 0.2 } },
      strategy: { name: "tpe" },
      stopping: { name: "successive_halving" },
      objective: { metric: "dev_error", direction: "minimize" },
      budget: { trials: 40 },
    }),
  },
};
