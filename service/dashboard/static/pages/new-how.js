/** How the form's search goes on: strategy, stopping rule, budget, fixed settings. */

import { h } from "../core/dom.js";
import { parseValue, formatValue } from "../core/values.js";
import { field, input, numberOr, set } from "./new-fields.js";
import { endsForm } from "./new-ends.js";
import { machinesForm } from "./new-machines.js";
import { methodFields } from "./new-method.js";

/** @typedef {import("./new.js").Draft} Draft */

/**
 * @param {Draft} draft
 * @param {() => void} redraw when the settings are shown elsewhere, too
 */
export function methodForm(draft, redraw) {
  const { spec } = draft;
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "How")),
    h("p", { class: "hint" }, "Coarse to fine first samples the whole space, then zooms in on the region around the best trials, round after round."),
    methodFields(draft, "strategy", "Strategy", draft.catalog.strategies),
    methodFields(draft, "stopping", "Stop bad trials early", draft.catalog.rules),
    h(
      "div",
      { class: "fields three" },
      field("Number of trials", "budget.trials", input(spec.budget.trials, (value) => {
        spec.budget = { ...spec.budget, trials: numberOr(value) };
        draft.changed();
      }, { inputmode: "numeric" })),
      field("In parallel", "parallel", input(spec.parallel, (value) => set(draft, "parallel", numberOr(value) ?? undefined), { inputmode: "numeric", placeholder: "as many as agents" }), "Trials that train at the same time."),
      field("Seed", "seed", input(spec.seed, (value) => set(draft, "seed", numberOr(value)), { inputmode: "numeric" }), "The same seed gives the same trials, however many agents train them."),
    ),
    endsForm(draft),
    machinesForm(draft),
    h("div", { class: "fields" }, startingModel(draft, redraw), fixedSettings(draft), constraints(draft)),
  );
}

/**
 * The trial whose model all trials start from: a fixed setting with a field of its own.
 * @param {Draft} draft
 * @param {() => void} redraw
 */
function startingModel(draft, redraw) {
  if (draft.spec.trainer !== "mlp") return null;
  const put = (/** @type {string} */ value) => {
    const { init_from: _, ...rest } = draft.spec.settings;
    draft.spec.settings = value.trim() ? { ...rest, init_from: value.trim() } : rest;
    draft.changed();
  };
  const control = input(draft.spec.settings.init_from, put, { placeholder: "none; a trial such as 3.17" });
  control.addEventListener("change", redraw);
  return field("Start from the model of", "settings.init_from", control, "Its network and its preparation of inputs are taken over; frozen_layers among the settings keeps its first layers as they are.");
}

/**
 * Settings that are the same for all trials, one a line.
 * @param {Draft} draft
 */
function fixedSettings(draft) {
  const lines = Object.entries(draft.spec.settings).map(([name, value]) => `${name}: ${formatValue(value)}`);
  const area = h("textarea", { rows: Math.max(3, lines.length + 1), spellcheck: "false", value: lines.join("\n") });
  area.addEventListener("input", () => {
    draft.spec.settings = Object.fromEntries(area.value.split("\n").map(readLine).filter((pair) => pair !== null));
    draft.changed();
  });
  return field("Fixed settings, one per line", "settings", area, "The same in every trial, such as epochs: 30 or hidden_units: [64, 32].");
}

/**
 * @param {string} line
 * @returns {[string, Value] | null}
 */
function readLine(line) {
  const colon = line.indexOf(":");
  if (colon <= 0) return null;
  return [line.slice(0, colon).trim(), parseValue(line.slice(colon + 1).trim())];
}

/**
 * Constraints that a trial has to keep to count, one a line.
 * @param {Draft} draft
 */
function constraints(draft) {
  const given = /** @type {Record<string, {max?: number, min?: number}>} */ (draft.spec.subject_to ?? {});
  const lines = Object.entries(given).flatMap(([name, { max, min }]) => [...(max === undefined ? [] : [`${name} <= ${max}`]), ...(min === undefined ? [] : [`${name} >= ${min}`])]);
  const area = h("textarea", { rows: 2, spellcheck: "false", value: lines.join("\n") });
  area.addEventListener("input", () => {
    /** @type {Record<string, Record<string, unknown>>} */
    const found = {};
    for (const line of area.value.split("\n")) {
      const [, name, sign, value] = /^\s*(\w+)\s*([<>]=?)?\s*(.*)$/.exec(line) ?? [];
      if (name) found[name] = { ...found[name], ...(value ? { [sign?.startsWith(">") ? "min" : "max"]: parseValue(value.trim()) } : {}) };
    }
    draft.spec.subject_to = Object.keys(found).length ? found : undefined;
    draft.changed();
  });
  return field("Constraints, one per line", "subject_to", area, "A trial that breaks one does not count, such as parameters <= 50000 or gap <= 0.03 (dev minus train).");
}
