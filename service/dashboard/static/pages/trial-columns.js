/** Columns of the table of trials: which there are, and which a person chose; remembered for each search. */

import { h } from "../core/dom.js";
import { count, duration, label, sentence, text } from "../core/format.js";
import { furtherMetrics, measured, objectiveMetric, objectiveName, parameterNames, plannedEpochs, spreadText } from "../core/search-math.js";
import { chip, setChip, when } from "../components/parts.js";

/** @typedef {import("../components/table.js").Column<Trial>} TrialColumn */
/** @typedef {import("../core/catalog.js").TrialField} TrialField */

const METRICS = ["train_error", "dev_error", "train_cost", "dev_cost", "best_epoch"];
const HIDDEN = ["train_cost", "dev_cost", "best_epoch", "origin", "round", "attempt", "agent", "created", "time", "seed", "started"];

/** @param {Search} search */
const storageKey = (search) => `caviar-columns-${search.id}`;

/** @param {Search} search */
function hiddenColumns(search) {
  const kept = localStorage.getItem(storageKey(search));
  return new Set(kept === null ? [...HIDDEN, objectiveMetric(search)] : kept.split(","));
}

/**
 * All columns: those with a form of their own, then the other fields that the server sorts by.
 * @param {Search} search
 * @param {TrialField[]} fields of trials, as the server knows them
 * @param {Set<string>} selected
 * @param {() => void} changed
 * @returns {TrialColumn[]}
 */
export function allColumns(search, fields, selected, changed) {
  const own = ownColumns(search, selected, changed);
  const sortable = fields.filter(({ use }) => use.includes("sort"));
  const covered = new Set(["params", "metrics", "epochs", ...own.map(({ key }) => key)]);
  return [
    ...own.map(({ sort, ...column }) => (sort && sortable.some(({ name }) => name === sort.split(".")[0]) ? { ...column, sort } : column)),
    ...sortable.filter(({ name }) => !covered.has(name)).map(plainColumn),
  ];
}

/**
 * @param {TrialField} field
 * @returns {TrialColumn}
 */
function plainColumn({ name, path, time }) {
  /** @type {(trial: Trial) => any} */
  const value = (trial) => path.split(".").reduce((/** @type {any} */ part, key) => part?.[key], trial);
  return { key: name, title: sentence(label(name)).replace(/\.$/, ""), sort: name, cell: (trial) => (time ? when(value(trial)) : text(value(trial))) };
}

/**
 * @param {Search} search
 * @param {Set<string>} selected
 * @param {() => void} changed
 * @returns {TrialColumn[]}
 */
function ownColumns(search, selected, changed) {
  const toggle = (/** @type {Event} */ event, /** @type {Trial} */ trial) => {
    const key = String(trial.number);
    if (/** @type {HTMLInputElement} */ (event.target).checked) selected.add(key);
    else selected.delete(key);
    changed();
  };
  /** @type {(name: string) => TrialColumn} */
  const parameter = (name) => ({ key: `params.${name}`, title: label(name), sort: `params.${name}`, numeric: !search.spec.space[name]?.choices, cell: (trial) => text(trial.params[name]) });
  /** @type {(name: string) => TrialColumn} */
  const metric = (name) => ({ key: name, title: label(name), sort: `metrics.${name}`, numeric: true, cell: (trial) => measured(search, name, trial.metrics?.[name]) });
  return [
    { key: "select", title: "", cell: (trial) => h("input", { type: "checkbox", "aria-label": `Select trial ${trial.number} to compare`, checked: selected.has(String(trial.number)), onchange: (/** @type {Event} */ event) => toggle(event, trial) }), update: () => undefined },
    { key: "number", title: "Trial", sort: "number", numeric: true, cell: (trial) => h("a", { href: `/trials/${trial.id}` }, String(trial.number)) },
    { key: "state", title: "State", sort: "state", cell: (trial) => chip(trial.state), update: (cell, trial) => setChip(/** @type {HTMLElement} */ (cell.firstElementChild), trial.state) },
    { key: "value", title: objectiveName(search), sort: "value", numeric: true, cell: (trial) => h("span", null, h("strong", null, measured(search, objectiveMetric(search), trial.value)), spreadText(search, trial, objectiveMetric(search))) },
    ...parameterNames(search.spec).map(parameter),
    ...[...new Set([...furtherMetrics(search), ...METRICS])].map(metric),
    { key: "epoch", title: "Epochs", sort: "epoch", numeric: true, cell: (trial) => epochsText(search, trial) },
    { key: "origin", title: "Origin", cell: (trial) => trial.origin?.kind.replaceAll("_", " ") ?? "" },
    { key: "round", title: "Round", sort: "round", numeric: true, cell: (trial) => trial.origin?.round ?? "" },
    { key: "attempt", title: "Attempt", sort: "attempt", numeric: true, cell: (trial) => trial.attempt },
    { key: "agent", title: "Agent", cell: (trial) => trial.agent ?? "" },
    { key: "created", title: "Queued", sort: "created", cell: (trial) => when(trial.created) },
    { key: "time", title: "Time", numeric: true, cell: (trial) => (trial.started && trial.ended ? duration((Date.parse(trial.ended) - Date.parse(trial.started)) / 1000) : "") },
    { key: "ended", title: "Ended", sort: "ended", cell: (trial) => when(trial.ended) },
  ];
}

/**
 * @param {Search} search
 * @param {TrialColumn[]} columns
 */
export function chosenColumns(search, columns) {
  const hidden = hiddenColumns(search);
  return columns.filter(({ key }) => !hidden.has(key));
}

/**
 * @param {Search} search
 * @param {TrialField[]} fields
 * @param {() => void} changed
 */
export function columnMenu(search, fields, changed) {
  const hidden = hiddenColumns(search);
  const columns = allColumns(search, fields, new Set(), () => undefined).filter(({ key }) => !["select", "number"].includes(key));
  const boxes = columns.map(({ key, title }) => {
    const box = h("input", { type: "checkbox", checked: !hidden.has(key) });
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(key);
      else hidden.add(key);
      localStorage.setItem(storageKey(search), [...hidden].join(","));
      changed();
    });
    return h("label", null, box, title);
  });
  return h("details", { class: "menu" }, h("summary", { class: "button" }, "Columns"), h("div", { class: "menubox" }, boxes));
}

/**
 * @param {Search} search
 * @param {Trial} trial
 */
function epochsText(search, trial) {
  const planned = plannedEpochs(search.spec, trial);
  return planned && trial.epoch !== planned ? `${count(trial.epoch)} of ${count(planned)}` : count(trial.epoch);
}
