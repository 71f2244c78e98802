/** How the rows of the data set are cut, in the form: folds, repeats, groups kept together, order kept. */

import { h } from "../core/dom.js";
import { field, input, numberOr, select, setOfDataset } from "./new-fields.js";

/** @typedef {import("./new.js").Draft} Draft */

const ORDER = /** @type {[string, string][]} */ ([
  ["", "random"],
  ["true", "kept: train on the past"],
]);

/**
 * @param {Draft} draft
 * @param {() => void} redraw when another stopping rule goes with it
 */
export function foldsForm(draft, redraw) {
  const { spec } = draft;
  if (spec.trainer !== "mlp") return null;
  const { dataset } = spec;
  const folds = input(dataset.folds, (value) => setOfDataset(draft, "folds", numberOr(value)), { inputmode: "numeric", placeholder: "none" });
  folds.addEventListener("change", () => {
    followRule(spec);
    redraw();
  });
  const repeats = input(dataset.repeats, (value) => setOfDataset(draft, "repeats", numberOr(value)), { inputmode: "numeric", placeholder: "1" });
  const groups = input(dataset.split_groups, (value) => setOfDataset(draft, "split_groups", value.trim()), { placeholder: "no column" });
  const order = select(ORDER, dataset.ordered ? "true" : "", (value) => setOfDataset(draft, "ordered", value ? true : null));
  const more = input(writtenMore(/** @type {any} */ (dataset.more_training_data)), (value) => setOfDataset(draft, "more_training_data", readMore(value)), { placeholder: "none; made-up 0.3, web" });
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "Splits")),
    h("p", { class: "hint" }, "With folds, a trial trains once per fold and is judged on the rows it did not see; its value is the mean. Hopeless trials end after their first folds."),
    h(
      "div",
      { class: "fields three" },
      field("Folds", "dataset.folds", folds, "k of k-fold cross-validation"),
      field("Repeats", "dataset.repeats", repeats, "each with a different cut into folds"),
      field("Keep together by", "dataset.split_groups", groups, "a column: rows with the same value stay in one part or fold"),
      field("Order of rows", "dataset.ordered", order, "for rows sorted by time"),
      field("More training data", "dataset.more_training_data", more, "other data sets, for training alone, each with its share of the training set; all rows without one"),
    ),
  );
}

/**
 * @param {{name: string, share?: number}[] | undefined} sources
 * @returns {string} as readMore takes it
 */
export function writtenMore(sources) {
  return (sources ?? []).map(({ name, share }) => (share === undefined ? name : `${name} ${share}`)).join(", ");
}

/**
 * @param {string} text names with shares below 1, separated by commas, which no name has; "sales 2025" is a name alone
 * @returns {{name: string, share?: number}[] | null} null for none
 */
export function readMore(text) {
  const found = text.split(",").map((one) => one.trim()).filter(Boolean).map((one) => {
    const [, name, share] = /^(.+?)\s+(0?\.\d+)$/.exec(one) ?? [];
    return name === undefined ? { name: one } : { name, share: Number(share) };
  });
  return found.length ? found : null;
}

/**
 * A race over folds needs folds; with them it is what usually ends hopeless trials.
 * @param {Draft["spec"]} spec
 */
function followRule(spec) {
  const folded = Boolean(spec.dataset.folds);
  if (folded && spec.stopping.name === "none") spec.stopping = { name: "race" };
  if (!folded && spec.stopping.name === "race") spec.stopping = { name: "none" };
  if (folded) delete spec.objective.value;
}
