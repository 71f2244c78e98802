/** What is measured and what counts how much, in the form: further metrics, weights, groups, prices, threshold. */

import { h } from "../core/dom.js";
import { formatValue, parseNames, parseValue } from "../core/values.js";
import { field, input, set, setOfDataset } from "./new-fields.js";

/** @typedef {import("./new.js").Draft} Draft */

/** Settings of the trainer: name, title, placeholder, hint. */
const SETTINGS = /** @type {[string, string, string, string][]} */ ([
  ["class_weight", "Class weight", "1 each", 'balanced, or {"spam": 10}: weights in the cost'],
  ["positive_class", "Positive class", "the second of two", "of precision, recall, F1 and the threshold"],
  ["threshold", "Decision threshold", "0.5", "a probability, or dev: chosen on the dev set and kept in the model"],
  ["price", "Prices of mistakes", "none", "[[0, 1], [5, 0]]: a row for each actual class, for the metric price"],
]);

/** Columns of the data set: name, title, hint. */
const COLUMNS = /** @type {[string, string, string][]} */ ([
  ["weights", "Weights of rows", "a column: the weight of each row in cost and metrics"],
  ["groups", "Groups of metrics", "a column: adds the forms _worst_group and _group_mean of metrics"],
]);

/**
 * @param {Draft} draft
 * @param {() => void} redraw where settings are shown in another field, too
 */
export function measuresForm(draft, redraw) {
  const { spec } = draft;
  if (spec.trainer !== "mlp") return null;
  const named = /** @type {string[]} */ (spec.metrics ?? []);
  const metrics = input(named.join(", "), (value) => {
    const listed = parseNames(value);
    set(draft, "metrics", listed.length ? listed : undefined);
  }, { placeholder: "only the objective's" });
  const given = named.length > 0 || SETTINGS.some(([name]) => name in spec.settings) || COLUMNS.some(([name]) => name in spec.dataset);
  return h(
    "details",
    { class: "card", open: given },
    h("summary", null, "Metrics, weights and threshold"),
    h(
      "div",
      { class: "fields three" },
      field("Further metrics", "metrics", metrics, "separated by commas, such as dev_f1, dev_roc_auc, predict_ms"),
      SETTINGS.map(([name, title, placeholder, hint]) => settingField(draft, redraw, name, title, placeholder, hint)),
      COLUMNS.map(([name, title, hint]) => field(title, `dataset.${name}`, input(spec.dataset[name], (value) => setOfDataset(draft, name, value.trim()), { placeholder: "no column" }), hint)),
    ),
  );
}

/**
 * @param {Draft} draft
 * @param {() => void} redraw
 * @param {string} name
 * @param {string} title
 * @param {string} placeholder
 * @param {string} hint
 */
function settingField(draft, redraw, name, title, placeholder, hint) {
  const value = draft.spec.settings[name];
  const control = input(value === undefined || value === null ? "" : formatValue(value), (typed) => {
    const { [name]: _, ...rest } = draft.spec.settings;
    draft.spec.settings = typed.trim() ? { ...rest, [name]: parseValue(typed.trim()) } : rest;
    draft.changed();
  }, { placeholder });
  control.addEventListener("change", redraw);
  return field(title, `settings.${name}`, control, hint);
}
