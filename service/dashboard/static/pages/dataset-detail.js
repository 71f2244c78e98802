/** One data set: its shape, target, columns and first rows. */

import { call, isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { classCount, count, moment, number, size } from "../core/format.js";
import { go } from "../core/router.js";
import { ask } from "../components/dialog.js";
import { attempt, failedPage, Progress, stat } from "../components/parts.js";

const FEATURES = 60;
const CLASSES = 40;
const CORRECTIONS = 200; // that are listed

/**
 * A cell as the file has it: what was read is not rounded.
 * @param {Value} value
 */
const asRead = (value) => (value === null ? "–" : String(value));

/**
 * @param {PageContext} context
 * @param {string} id
 */
export async function datasetDetail({ outlet, signal, title }, id) {
  try {
    const [dataset, preview] = await Promise.all([call(`/datasets/${id}`, { signal }), call(`/datasets/${id}/preview`, { signal })]);
    title(dataset.name);
    fill(
      outlet,
      h("nav", { class: "crumbs", "aria-label": "Where you are" }, h("a", { href: "/datasets" }, "Data sets"), "/", h("span", null, dataset.name)),
      h("div", { class: "pagehead" }, h("h1", null, dataset.name), h("div", { class: "actions" }, h("a", { class: "button primary", href: `/new?dataset=${encodeURIComponent(dataset.name)}` }, "Start a search"), dataset.builtin ? null : h("button", { type: "button", class: "danger", onclick: () => void remove(dataset) }, "Delete"))),
      summary(dataset),
      dataset.target?.problem ? h("p", { class: "warning-note" }, dataset.target.problem) : null,
      versionOf(dataset),
      notes(dataset),
      classes(dataset),
      rows(preview),
      features(dataset),
    );
  } catch (error) {
    if (!isAbort(error)) fill(outlet, ...failedPage(error, "/datasets", "All data sets"));
  }
}

/** @param {Dataset} dataset */
async function remove(dataset) {
  if (!(await ask(`Delete ${dataset.name}?`, "Its file is deleted permanently.", "Delete permanently"))) return;
  const gone = await attempt(async () => {
    await call(`/datasets/${dataset.id}`, { method: "DELETE" });
    return true;
  }, "Deleted.");
  if (gone) go("/datasets");
}

/** @param {Dataset} dataset */
function summary(dataset) {
  const { target } = dataset;
  return h(
    "section",
    { class: "card", "aria-label": "Summary" },
    h(
      "div",
      { class: "stats" },
      stat("Rows", count(dataset.rows)),
      stat("Features", count(dataset.columns)),
      stat("Missing values", count(dataset.missing)),
      stat("Task", target?.task ?? "–"),
      stat("Target", target?.names.join(", ") ?? "–"),
      stat("Source", dataset.builtin ? "built in" : `${dataset.kind}, ${size(dataset.size ?? 0)}`),
    ),
  );
}

/**
 * What was left out or changed when the file was read, and what is doubtful.
 * @param {Dataset} dataset
 */
function notes(dataset) {
  if (!dataset.notes?.length) return null;
  return h(
    "section",
    { class: "card", "aria-label": "How it was read" },
    h("div", { class: "cardhead" }, h("h2", null, "How it was read")),
    h("ul", { class: "readingnotes" }, dataset.notes.map((note) => h("li", null, h("strong", null, note.kind), note.column ? [" ", h("code", null, note.column)] : null, `: ${note.message}`, note.remedy ? h("span", { class: "muted" }, ` (${note.remedy})`) : null))),
  );
}

/**
 * Which labels were corrected, and the search that can be started again.
 * @param {Dataset} dataset
 */
function versionOf(dataset) {
  const version = dataset.version;
  if (!version) return null;
  const [search] = version.trial.split(".");
  const shown = version.corrections.slice(0, CORRECTIONS);
  return h(
    "section",
    { class: "card", "aria-label": "Corrected labels" },
    h("div", { class: "cardhead" }, h("h2", null, "Corrected labels"), h("span", { class: "muted" }, `${count(version.corrections.length)} of ${version.of}, by ${version.by}, after `, h("a", { href: `/trials/${version.trial}/errors` }, `the errors of trial ${version.trial}`)), h("span", { class: "spacer" }), h("a", { class: "button", href: `/new?from=${search}&version=${dataset.id}` }, "Start the search again on it")),
    grid("Corrected labels", ["Row", "From", "To", "Who", "When"], shown.map(({ row, old, new: right, who, when }) => [count(row), old, right, who, moment(when)]), (column) => column === 0),
  );
}

/** @param {Dataset} dataset */
function classes(dataset) {
  const all = dataset.target?.classes;
  if (!all?.length) return null;
  const largest = Math.max(...all.map((each) => each.count));
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "Classes"), all.length > CLASSES ? h("span", { class: "muted" }, `the first ${CLASSES} of ${classCount(all)}`) : null),
    h(
      "dl",
      { class: "classes" },
      all.slice(0, CLASSES).map(({ name, count: amount }) => {
        const bar = new Progress(`Share of ${name}`);
        bar.set(amount / largest);
        return h("div", null, h("dt", null, name), h("dd", null, bar.node, h("span", null, `${count(amount)} · ${number((100 * amount) / dataset.rows, 3)} %`)));
      }),
    ),
  );
}

/** @param {{columns: string[], rows: Value[][]}} preview */
function rows({ columns, rows: first }) {
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "First rows")),
    grid("First rows", columns, first.map((row) => row.map(asRead)), (column) => first.every((row) => row[column] === null || typeof row[column] === "number")),
  );
}

/** @param {Dataset} dataset */
function features(dataset) {
  const shown = dataset.features.slice(0, FEATURES);
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "Features"), dataset.columns > shown.length ? h("span", { class: "muted" }, `the first ${count(shown.length)} of ${count(dataset.columns)}`) : null),
    grid(
      "Features",
      ["Feature", "Kind", "Lowest", "Mean", "Highest", "Levels", "Missing"],
      shown.map((each) => [each.name, each.kind, number(each.low, 7), number(each.mean, 6), number(each.high, 7), count(each.levels), count(each.missing)]),
      (column) => column > 1,
    ),
  );
}

/**
 * @param {string} name
 * @param {string[]} heads
 * @param {string[][]} cells
 * @param {(column: number) => boolean} numeric
 */
function grid(name, heads, cells, numeric) {
  const kinds = heads.map((_, column) => (numeric(column) ? "numeric" : null));
  return h(
    "div",
    { class: "tablebox", tabindex: "0", role: "region", "aria-label": name },
    h("table", { class: name === "First rows" ? "snug" : null }, h("thead", null, h("tr", null, heads.map((each, column) => h("th", { scope: "col", class: kinds[column] }, each)))), h("tbody", null, cells.map((row) => h("tr", null, row.map((each, column) => h("td", { class: kinds[column] }, each)))))),
  );
}
