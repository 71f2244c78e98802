/** Fields of the form: what they are made of, and those that say what is searched for: name, data, trainer, objective. */

import { call } from "../core/api.js";
import { optionsOf } from "../core/catalog.js";
import { fill, h } from "../core/dom.js";
import { count } from "../core/format.js";
import { parseNames } from "../core/values.js";

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
export function select(options, value, changed) {
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
export function input(value, changed, attributes = {}) {
  const control = h("input", { ...attributes, value: value ?? "" });
  control.addEventListener("input", () => changed(control.value));
  return control;
}

/** @param {string} value */
export const numberOr = (value) => (value.trim() === "" || Number.isNaN(Number(value)) ? /** @type {any} */ (value.trim() || null) : Number(value));

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
  const metrics = draft.trainers.find(({ name }) => name === spec.trainer)?.metrics ?? [];
  const measure = (/** @type {string} */ value) => {
    spec.objective = { ...spec.objective, metric: value };
    draft.changed();
  };
  const follow = (/** @type {string} */ value) => {
    const { direction: _, ...rest } = spec.objective; // that of the metric before may be the wrong one
    spec.objective = /** @type {any} */ ({ ...rest, metric: value });
    redraw();
  };
  void fillDatasets(data, spec.dataset.name ?? "");
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "What")),
    h(
      "div",
      { class: "fields three" },
      field("Name", "name", input(spec.name, (value) => set(draft, "name", value))),
      field("Project", "project", input(spec.project, (value) => set(draft, "project", value.trim() || null), { placeholder: "none", list: "projects" })),
      field("Tags", "tags", input(spec.tags?.join(", "), (value) => set(draft, "tags", parseNames(value)), { placeholder: "none; commas between them" })),
      field("Data set", "dataset", data),
      field("Trainer", "trainer", select([...draft.trainers.map(({ name }) => /** @type {[string, string]} */ ([name, name])), EXTERNAL], spec.trainer, (value) => {
        spec.trainer = value;
        redraw();
      })),
      field("Minimise or maximise", "objective.direction", select([["", "as usual for the metric"], ...optionsOf(draft.catalog.directions)], spec.objective.direction ?? "", (value) => {
        const { direction: _, ...rest } = spec.objective;
        spec.objective = /** @type {any} */ (value ? { ...rest, direction: value } : rest);
        draft.changed();
      })),
      field("Metric", "objective.metric", metrics.length ? select(metrics.map((name) => /** @type {[string, string]} */ ([name, name])), spec.objective.metric, follow) : input(spec.objective.metric, measure, { list: "metrics" })),
      field("Value of a trial", "objective.value", valueOf(draft), "how it follows from the curve; best keeps the model of that epoch"),
      field("Further objectives, one per line", "further", furtherOf(draft), "such as parameters, or maximize dev_f1; the search then looks for the Pareto front"),
      projectNames(),
      h("datalist", { id: "metrics" }, metrics.map((name) => h("option", { value: name }))),
    ),
  );
}

/** The projects there are, offered where one is typed. */
function projectNames() {
  const list = h("datalist", { id: "projects" });
  void call("/labels").then(
    ({ projects }) => fill(list, projects.map((/** @type {Api["Label"]} */ { name }) => h("option", { value: name }))),
    () => fill(list), // one can be typed all the same
  );
  return list;
}

/** What of a trial's curve is its value: as the select names it, and as the search has it. */
const VALUES = /** @type {[string, string][]} */ ([
  ["", "at the end"],
  ["best", "of the best epoch"],
  ["last", "at the end, for stopping rules too"],
  ["mean_of_last", "mean of the last epochs"],
]);

/** @param {Draft} draft */
function furtherOf(draft) {
  const given = draft.spec.further ?? [];
  const area = h("textarea", { rows: 1, spellcheck: "false", value: given.map(({ metric, direction }) => (direction ? `${direction} ${metric}` : metric)).join("\n") });
  area.addEventListener("input", () => {
    const lines = area.value.split("\n").map((one) => one.trim().split(/\s+/)).filter(([first]) => first);
    const further = lines.map(([first, second]) => (second ? { metric: second, direction: /** @type {any} */ (first) } : { metric: String(first) }));
    draft.spec.further = further.length ? further : undefined;
    draft.changed();
  });
  return area;
}

/** @param {Draft} draft */
function valueOf(draft) {
  const { spec } = draft;
  const given = spec.objective.value ?? "";
  const put = (/** @type {any} */ value) => {
    const { value: _, ...rest } = spec.objective;
    spec.objective = value === "" ? rest : { ...rest, value };
    draft.changed();
  };
  const mean = typeof given === "object" ? given.mean_of_last : 5;
  const epochs = input(mean, (value) => put({ mean_of_last: numberOr(value) }), { type: "number", min: 1, "aria-label": "last epochs", hidden: typeof given !== "object" });
  const control = select(VALUES, typeof given === "object" ? "mean_of_last" : given, (value) => {
    epochs.hidden = value !== "mean_of_last";
    put(epochs.hidden ? value : { mean_of_last: numberOr(epochs.value) });
  });
  control.id = "field-objective-value";
  return h("div", { class: "row" }, control, epochs);
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
export function set(draft, name, value) {
  /** @type {Record<string, unknown>} */ (draft.spec)[name] = value;
  draft.changed();
}

/**
 * @param {Draft} draft
 * @param {string} name in the part `dataset`
 * @param {unknown} value null or an empty text: it is left out
 */
export function setOfDataset(draft, name, value) {
  const { [name]: _, ...rest } = draft.spec.dataset;
  draft.spec.dataset = value === null || value === "" ? rest : { ...rest, [name]: value };
  draft.changed();
}
