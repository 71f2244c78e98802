/** The parts of the form that are single fields: name, data, objective, fixed settings, strategy, stopping rule, budget. */

import { call } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count } from "../core/format.js";
import { RULES, STRATEGIES } from "../core/presets.js";
import { readValue, writtenAlone } from "../core/values.js";

/** @typedef {import("./new.js").Draft} Draft */

/**
 * @param {string} title
 * @param {string} path of the field in the search, for the server's errors
 * @param {HTMLElement} control
 * @param {string} [hint]
 */
export function field(title, path, control, hint) {
  control.id ||= `field-${path.replaceAll(".", "-")}`;
  control.dataset.field = path;
  return h("div", { class: "field" }, h("label", { for: control.id }, title), control, hint ? h("p", { class: "hint" }, hint) : null);
}

/**
 * @param {[string, string][]} options
 * @param {string} value
 * @param {(value: string) => void} changed
 */
function select(options, value, changed) {
  const known = options.some(([name]) => name === value) ? options : [...options, /** @type {[string, string]} */ ([value, value])];
  const control = h("select", null, known.map(([name, title]) => h("option", { value: name, selected: name === value }, title)));
  control.addEventListener("change", () => changed(control.value));
  return control;
}

/**
 * @param {unknown} value
 * @param {(value: string) => void} changed
 * @param {Record<string, unknown>} [attributes]
 */
function input(value, changed, attributes = {}) {
  const control = h("input", { ...attributes, value: value ?? "" });
  control.addEventListener("input", () => changed(control.value));
  return control;
}

/** @param {string} value */
const numberOr = (value) => (value.trim() === "" || Number.isNaN(Number(value)) ? /** @type {any} */ (value.trim() || null) : Number(value));

/** A user's own script takes part as this trainer; the server knows nothing of its settings. */
const EXTERNAL = /** @type {[string, string]} */ (["external", "your own script"]);

/**
 * @param {Draft} draft
 * @param {() => void} redraw when other settings may be searched
 */
export function basicsForm(draft, redraw) {
  const { spec } = draft;
  const data = select([], spec.dataset.name ?? "", (value) => {
    spec.dataset = { ...spec.dataset, name: value };
    draft.changed();
  });
  void fillDatasets(data, spec.dataset.name ?? "");
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "What")),
    h(
      "div",
      { class: "fields three" },
      field("Name", "name", input(spec.name, (value) => set(draft, "name", value))),
      field("Data set", "dataset", data),
      field("Trainer", "trainer", select([...draft.trainers.map(({ name }) => /** @type {[string, string]} */ ([name, name])), EXTERNAL], spec.trainer, (value) => {
        spec.trainer = value;
        redraw();
      })),
      field("Minimise or maximise", "objective.direction", select([["minimize", "minimise"], ["maximize", "maximise"]], spec.objective.direction ?? "minimize", (value) => {
        spec.objective = { ...spec.objective, direction: /** @type {any} */ (value) };
        draft.changed();
      })),
      field("Metric", "objective.metric", input(spec.objective.metric, (value) => {
        spec.objective = { ...spec.objective, metric: value };
        draft.changed();
      }, { list: "metrics" })),
      h("datalist", { id: "metrics" }, ["dev_error", "dev_cost", "train_error", "train_cost"].map((name) => h("option", { value: name }))),
    ),
  );
}

/**
 * @param {HTMLSelectElement} control
 * @param {string} chosen
 */
async function fillDatasets(control, chosen) {
  const { items } = await call("/datasets");
  const options = items.map((/** @type {any} */ item) => h("option", { value: item.name, selected: item.name === chosen }, `${item.name} (${count(item.rows)} rows)`));
  if (!items.some((/** @type {any} */ item) => item.name === chosen)) options.push(h("option", { value: chosen, selected: true }, chosen || "choose one"));
  fill(control, options);
}

/**
 * @param {Draft} draft
 * @param {string} name
 * @param {unknown} value
 */
function set(draft, name, value) {
  /** @type {Record<string, unknown>} */ (draft.spec)[name] = value;
  draft.changed();
}

/** @param {Draft} draft */
export function methodForm(draft) {
  const { spec } = draft;
  const rounds = field("Rounds", "strategy.rounds", input(spec.strategy.rounds, (value) => {
    const { rounds: _, ...rest } = spec.strategy;
    spec.strategy = value ? { ...rest, rounds: numberOr(value) } : rest;
    draft.changed();
  }, { inputmode: "numeric", placeholder: "by the budget" }));
  const showRounds = () => {
    rounds.hidden = spec.strategy.name !== "coarse_to_fine";
  };
  showRounds();
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "How")),
    h("p", { class: "hint" }, "Coarse to fine looks at the whole box first, then zooms in on the region of the good trials, again and again."),
    h(
      "div",
      { class: "fields three" },
      field("Strategy", "strategy", select(STRATEGIES, spec.strategy.name, (name) => {
        spec.strategy = { name };
        showRounds();
        draft.changed();
      })),
      rounds,
      field("Stop bad trials early", "stopping", select(RULES, spec.stopping?.name ?? "none", (name) => set(draft, "stopping", { name }))),
      field("Trials in all", "budget.trials", input(spec.budget.trials, (value) => {
        spec.budget = { ...spec.budget, trials: numberOr(value) };
        draft.changed();
      }, { inputmode: "numeric" })),
      field("In parallel", "parallel", input(spec.parallel, (value) => set(draft, "parallel", numberOr(value)), { inputmode: "numeric" })),
      field("Seed", "seed", input(spec.seed, (value) => set(draft, "seed", numberOr(value)), { inputmode: "numeric" }), "The same seed gives the same trials, for any number of workers."),
    ),
    fixedSettings(draft),
  );
}

/**
 * Settings that are the same for all trials, one a line.
 * @param {Draft} draft
 */
function fixedSettings(draft) {
  const lines = Object.entries(draft.spec.settings).map(([name, value]) => `${name}: ${writtenAlone(value)}`);
  const area = h("textarea", { rows: Math.max(3, lines.length + 1), spellcheck: "false", value: lines.join("\n") });
  area.addEventListener("input", () => {
    draft.spec.settings = Object.fromEntries(area.value.split("\n").map(readLine).filter((pair) => pair !== null));
    draft.changed();
  });
  return field("Fixed settings, one a line", "settings", area, "The same for all trials, such as epochs: 30 or hidden_units: [64, 32].");
}

/**
 * @param {string} line
 * @returns {[string, Value] | null}
 */
function readLine(line) {
  const colon = line.indexOf(":");
  if (colon <= 0) return null;
  return [line.slice(0, colon).trim(), readValue(line.slice(colon + 1).trim())];
}
