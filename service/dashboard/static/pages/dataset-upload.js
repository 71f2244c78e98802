/** Sending a file as a data set: its name, which column is the target, and which columns are to be read otherwise or not at all. */

import { isAbort, withQuery } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { number } from "../core/format.js";
import { go } from "../core/router.js";
import { upload } from "../core/upload.js";
import { parseNames } from "../core/values.js";
import { dropFile } from "../components/drop.js";
import { problem, Progress, toast } from "../components/parts.js";
import { Fixes } from "./dataset-fixes.js";

const TASKS = [
  ["", "detect from the target"],
  ["classification", "classification"],
  ["regression", "regression"],
];

const HEADERS = [
  ["", "names, if they look like it"],
  ["true", "names"],
  ["false", "a row already"],
];

/** @param {PageContext} context */
export function uploadCard({ signal }) {
  const fields = uploadFields();
  const picker = h("input", { type: "file", id: "upload-file", accept: ".csv,.tsv,.txt,.json,.jsonl,.parquet,.feather,.xlsx,.npz,.npy,.gz,.bz2,.xz,.zip", class: "visually-hidden" });
  const progress = new Progress("Upload");
  progress.node.hidden = true;
  const said = h("div", { "aria-live": "polite" });
  let fixes = new Fixes();
  const zone = h(
    "section",
    { class: "card dropzone", "aria-label": "Upload a data set" },
    h("div", { class: "cardhead" }, h("h2", null, "Upload")),
    h("p", { class: "hint" }, "Choose a CSV, JSON lines, Parquet, Feather, Excel, npz or npy file, packed or not, or drop it here. Fill in a field only to override its default. The file is checked in a separate process and stored under the hash of its content."),
    h("div", { class: "uploadfields" }, fields.nodes, h("label", { class: "button primary", for: "upload-file" }, "Choose a file"), picker),
    h("div", { class: "uploadsaid" }, progress.node, said),
  );
  /** @param {File} file */
  async function send(file) {
    progress.node.hidden = false;
    fill(said);
    try {
      const made = await upload(withQuery("/datasets", asQuery(fixes.send(fields.options(file)))), file, { progress: (share) => progress.set(share), signal });
      toast(`${made.name}: ${number(made.rows)} rows, ${number(made.columns)} features.`);
      go(`/datasets/${made.id}`);
    } catch (error) {
      if (!isAbort(error)) show(error, file);
    } finally {
      progress.node.hidden = true;
    }
  }
  /**
   * @param {unknown} error
   * @param {File} file
   */
  function show(error, file) {
    const again = () => void send(file);
    fill(said, problem(error, (one) => fixes.buttons(one)), fixes.list(), h("button", { type: "button", class: "primary", onclick: again }, `Send ${file.name} again`));
  }
  /** @param {File} file */
  function begin(file) {
    fixes = new Fixes(); // those of another file
    void send(file);
  }
  picker.addEventListener("change", () => {
    const file = picker.files?.[0];
    picker.value = ""; // the same file may be chosen again
    if (file) begin(file);
  });
  dropFile(zone, begin);
  return zone;
}

/**
 * Options as the server takes them in an address.
 * @param {import("./dataset-fixes.js").Options} options
 */
function asQuery(options) {
  const { dates } = options;
  return { ...options, dates: Object.keys(dates).length ? JSON.stringify(dates) : "" };
}

/** The fields of an upload, and the options that they say. */
function uploadFields() {
  const input = (/** @type {string} */ id, /** @type {string} */ placeholder) => h("input", { id: `upload-${id}`, placeholder, autocomplete: "off" });
  const name = input("name", "the file's name");
  const target = input("target", "the last column");
  const ignore = input("ignore", "none; for example date, id");
  const categorical = input("categorical", "columns with text");
  const missing = input("missing", "such as n.v., -999");
  const dates = input("dates", "such as day=parts, sold=elapsed");
  const asIs = input("as-is", "none");
  const header = h("select", { id: "upload-header" }, HEADERS.map(([value, title]) => h("option", { value }, title)));
  const task = h("select", { id: "upload-task" }, TASKS.map(([value, title]) => h("option", { value }, title)));
  const field = (/** @type {string} */ title, /** @type {HTMLElement} */ control) => h("div", { class: "field" }, h("label", { for: control.id }, title), control);
  return {
    nodes: [field("Name", name), field("Target column", target), field("Ignore columns", ignore), field("Categorical columns", categorical), field("Task", task), field("Also missing", missing), field("Dates become", dates), field("Read as they stand", asIs), field("First line", header)],
    /** @param {File} file */
    options: (file) => ({
      name: name.value.trim() || file.name.replace(/\.\w+$/, ""),
      target: target.value.trim(),
      ignore: parseNames(ignore.value),
      categorical: parseNames(categorical.value),
      task: task.value,
      missing_values: parseNames(missing.value),
      dates: columnOptions(dates.value),
      as_is: parseNames(asIs.value),
      header: header.value,
    }),
  };
}

/** @param {string} text day=parts, sold=elapsed */
function columnOptions(text) {
  const pairs = parseNames(text).map((one) => {
    const [column = "", way = "parts"] = one.split("=");
    return [column.trim(), way.trim()];
  });
  return Object.fromEntries(pairs);
}
