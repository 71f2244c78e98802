/** What a person can do to a trial: run it again, exclude it, take its model. */

import { call, request } from "../core/api.js";
import { h } from "../core/dom.js";
import { go } from "../core/router.js";
import { isStudy } from "../core/search-math.js";
import { openDialog } from "../components/dialog.js";
import { attempt } from "../components/parts.js";
import { download } from "../components/figure.js";

/**
 * @param {TrialView} view
 * @param {boolean} hasModel
 */
export function trialActions(view, hasModel) {
  const trial = view.trial();
  const buttons = [];
  const parent = trial.origin?.parent;
  if (parent) buttons.push(h("a", { class: "button", href: `/compare?trials=${parent},${trial.id}` }, `Compare with trial ${parent}`));
  if (["failed", "cancelled"].includes(trial.state) && !isStudy(view.search)) buttons.push(button("Rerun", () => rerun(trial)));
  if (trial.excluded) buttons.push(button("Include again", () => include(view)));
  else if (trial.ended && trial.state !== "cancelled") buttons.push(button("Exclude…", () => exclude(view)));
  if (hasModel && trial.ended && (view.search.spec.trainer ?? "mlp") === "mlp") buttons.push(h("a", { class: "button", href: `/trials/${trial.id}/errors` }, "See its errors"));
  if (hasModel && trial.ended) buttons.push(button("Download model", () => model(trial)));
  return buttons;
}

/**
 * @param {string} title
 * @param {() => unknown} pressed
 */
function button(title, pressed) {
  return h("button", { type: "button", onclick: pressed }, title);
}

/** @param {Trial} trial */
async function rerun(trial) {
  const made = await attempt(() => call(`/trials/${trial.id}/rerun`, { method: "POST" }));
  const id = made?.id ?? made?.items?.[0]?.id;
  if (id) go(`/trials/${id}`);
}

/** @param {TrialView} view */
function exclude(view) {
  const trial = view.trial();
  const reason = h("input", { id: "exclude-reason", required: true, maxlength: 2000 });
  const agree = h("button", { type: "button", class: "danger" }, "Exclude");
  const back = h("button", { type: "button" }, "Back");
  const text = "Its state and its files stay. Strategies, leaders, stopping rules and pictures no longer see its result.";
  const dialog = openDialog(`Exclude trial ${trial.number}`, [h("p", null, text), h("label", { for: reason.id }, "Why is it wrong?"), reason], [back, agree]);
  back.addEventListener("click", () => dialog.close());
  agree.addEventListener("click", async () => {
    if (!reason.reportValidity()) return;
    const found = await attempt(() => call(`/trials/${trial.id}/exclude`, { method: "POST", json: { reason: reason.value } }));
    if (found) dialog.close();
  });
}

/** @param {TrialView} view */
async function include(view) {
  await attempt(() => call(`/trials/${view.trial().id}/include`, { method: "POST" }));
}

/** @param {Trial} trial */
async function model(trial) {
  await attempt(async () => {
    const answer = await request(`/trials/${trial.id}/model`);
    download(await answer.blob(), `trial-${trial.id}.safetensors`);
  });
}
