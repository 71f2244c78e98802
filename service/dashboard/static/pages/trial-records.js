/** What is on record of a trial: its attempts with their errors, its checkpoints, what its script kept with it. */

import { call, isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, size } from "../core/format.js";
import { problem, when } from "../components/parts.js";

/**
 * @param {TrialView} view
 * @param {(hasModel: boolean) => void} found
 */
export function trialRecords(view, found) {
  const attempts = h("section", { class: "card" });
  const checkpoints = h("section", { class: "card" });
  const attributes = h("section", { class: "card", hidden: true });
  const artifacts = h("section", { class: "card", hidden: true });
  const node = h("div", { class: "columns" }, attempts, checkpoints, attributes, artifacts);
  /** @type {{epoch: number, branch: number}[]} */
  let known = [];
  async function load() {
    const { id } = view.trial();
    await Promise.all([
      part(attempts, "Lost and failed attempts", `/trials/${id}/attempts`, view.signal, attemptRow, "None."),
      part(checkpoints, "Checkpoints", `/trials/${id}/checkpoints`, view.signal, checkpointRow, "None. Short trials need none. A model is stored for each trial that was the best when it ended, and for long trials."),
      part(attributes, "Attributes", `/trials/${id}/attributes`, view.signal, attributeRow, "None. A script sets them: trial.note(key, value)."),
      part(artifacts, "Artifacts", `/trials/${id}/artifacts`, view.signal, (one) => artifactRow(id, one), "None. A script attaches them: trial.attach(path)."),
    ]).then(([, files, ...kept]) => {
      attributes.hidden = artifacts.hidden = kept.every((items) => !items.length);
      known = files.filter(({ kind }) => kind !== "model");
      found(files.some(({ kind }) => kind === "model"));
    });
  }
  return { node, load, checkpoints: () => known };
}

/**
 * @param {HTMLElement} place
 * @param {string} title
 * @param {string} path
 * @param {AbortSignal} signal
 * @param {(item: any) => HTMLElement} row
 * @param {string} none
 * @returns {Promise<any[]>} what there is
 */
async function part(place, title, path, signal, row, none) {
  const head = h("div", { class: "cardhead" }, h("h2", null, title));
  try {
    const { items } = await call(path, { signal });
    fill(place, head, items.length ? h("ul", { class: "records" }, items.map(row)) : h("p", { class: "muted" }, none));
    return items;
  } catch (error) {
    if (!isAbort(error)) fill(place, head, problem(error));
    return [];
  }
}

/** @param {any} attempt */
function attemptRow(attempt) {
  return h(
    "li",
    null,
    h("strong", null, `Attempt ${attempt.attempt}`),
    h("span", { class: "muted" }, attempt.agent ? `${attempt.agent} · ` : "", when(attempt.started)),
    h("p", null, attempt.reason),
    attempt.log ? h("pre", { class: "log", tabindex: "0" }, attempt.log) : null,
  );
}

/** @param {any} checkpoint */
function checkpointRow(checkpoint) {
  return h(
    "li",
    null,
    h("strong", null, `Epoch ${count(checkpoint.epoch)}`),
    h("span", { class: "muted" }, `${checkpoint.kind} · branch ${checkpoint.branch} · ${size(checkpoint.size)} · `, when(checkpoint.created)),
  );
}

/** @param {any} attribute */
function attributeRow(attribute) {
  const { value } = attribute;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return h("li", null, h("strong", null, attribute.key), h("span", { class: "muted" }, when(attribute.changed)), h("p", { class: "mono" }, text));
}

/**
 * @param {string} trial
 * @param {any} artifact
 */
function artifactRow(trial, artifact) {
  const href = `/api/v1/trials/${trial}/artifacts/content?name=${encodeURIComponent(artifact.name)}`;
  return h("li", null, h("a", { href, download: artifact.name }, artifact.name), h("span", { class: "muted" }, `${size(artifact.size)} · `, when(artifact.created)));
}
