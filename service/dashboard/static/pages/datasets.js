/** Data sets: which there are, what is in them, and upload of more. */

import { call, isAbort, withQuery } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, number, size } from "../core/format.js";
import { go } from "../core/router.js";
import { upload } from "../core/upload.js";
import { dropFile } from "../components/drop.js";
import { problem, Progress, toast, when } from "../components/parts.js";
import { Table } from "../components/table.js";
import { datasetDetail } from "./dataset-detail.js";

/**
 * @typedef {object} Dataset
 * @property {string | number} id
 * @property {string} name
 * @property {boolean} builtin
 * @property {string} kind
 * @property {number | null} size
 * @property {string | null} created
 * @property {number} rows
 * @property {number} columns
 * @property {number} missing
 * @property {{name: string, kind: string, missing: number, low: number | null, high: number | null, mean: number | null, levels: number | null}[]} features
 * @property {{names: string[], task: string | null, classes: {name: string, count: number}[] | null, ranges: {low: number, high: number}[] | null, problem: string | null} | null} target
 */

/** @param {PageContext} context */
export async function page(context) {
  const { outlet, params, signal } = context;
  if (params[0]) {
    await datasetDetail(context, params[0]);
    return;
  }
  context.title("Data sets");
  const table = new Table({ columns: columns(), key: (/** @type {Dataset} */ dataset) => String(dataset.id), label: "Data sets" });
  const place = h("div");
  fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "Data sets")), uploadCard(context), place);
  try {
    const { items } = await call("/datasets", { signal });
    fill(place, table.node);
    table.set(items);
  } catch (error) {
    if (!isAbort(error)) fill(place, problem(error));
  }
}

/** @returns {import("../components/table.js").Column<Dataset>[]} */
function columns() {
  return [
    { key: "name", title: "Name", cell: (each) => h("a", { href: `/datasets/${each.id}` }, each.name) },
    { key: "task", title: "Task", cell: (each) => each.target?.task ?? (each.target?.problem ? "no target" : "") },
    { key: "rows", title: "Rows", numeric: true, cell: (each) => count(each.rows) },
    { key: "columns", title: "Features", numeric: true, cell: (each) => count(each.columns) },
    { key: "target", title: "Target", cell: (each) => each.target?.names.join(", ") ?? "" },
    { key: "classes", title: "Classes", numeric: true, cell: (each) => (each.target?.classes ? count(each.target.classes.length) : "–") },
    { key: "missing", title: "Missing values", numeric: true, cell: (each) => count(each.missing) },
    { key: "size", title: "Size", numeric: true, cell: (each) => (each.size ? size(each.size) : "built in") },
    { key: "created", title: "Uploaded", cell: (each) => (each.created ? when(each.created) : "") },
    { key: "use", title: "", cell: (each) => h("a", { href: `/new?dataset=${encodeURIComponent(each.name)}` }, "Search on it") },
  ];
}

/** @param {PageContext} context */
function uploadCard({ signal }) {
  const picker = h("input", { type: "file", id: "upload-file", accept: ".csv,.parquet,.npz,.npy", class: "visually-hidden" });
  const name = h("input", { id: "upload-name", placeholder: "the file's name" });
  const target = h("input", { id: "upload-target", placeholder: "the last column" });
  const progress = new Progress("Upload");
  progress.node.hidden = true;
  const said = h("div", { "aria-live": "polite" });
  const zone = h(
    "section",
    { class: "card dropzone", "aria-label": "Upload a data set" },
    h("div", { class: "cardhead" }, h("h2", null, "Upload")),
    h("p", { class: "hint" }, "CSV, Parquet, npz or npy: drop a file here or choose one. It is streamed, read apart from the server, and kept by the hash of its content."),
    h(
      "div",
      { class: "uploadfields" },
      h("div", { class: "field" }, h("label", { for: "upload-name" }, "Name"), name),
      h("div", { class: "field" }, h("label", { for: "upload-target" }, "Target column"), target),
      h("label", { class: "button primary", for: "upload-file" }, "Choose a file"),
      picker,
    ),
    progress.node,
    said,
  );
  /** @param {File} file */
  async function send(file) {
    const called = name.value.trim() || file.name.replace(/\.\w+$/, "");
    progress.node.hidden = false;
    fill(said);
    try {
      const made = await upload(withQuery("/datasets", { name: called, target: target.value.trim() }), file, { progress: (share) => progress.set(share), signal });
      toast(`${made.name}: ${number(made.rows)} rows, ${number(made.columns)} features.`);
      go(`/datasets/${made.id}`);
    } catch (error) {
      if (!isAbort(error)) fill(said, problem(error));
    } finally {
      progress.node.hidden = true;
    }
  }
  picker.addEventListener("change", () => picker.files?.[0] && void send(picker.files[0]));
  dropFile(zone, (file) => void send(file));
  return zone;
}
