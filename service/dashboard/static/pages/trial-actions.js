/** What a person can do to a trial: stop it, run it again, take its model. */

import { call, request } from "../core/api.js";
import { h } from "../core/dom.js";
import { go } from "../core/router.js";
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
  if (["failed", "cancelled"].includes(trial.state)) buttons.push(button("Rerun", () => rerun(trial)));
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

/** @param {Trial} trial */
async function model(trial) {
  await attempt(async () => {
    const answer = await request(`/trials/${trial.id}/model`);
    download(await answer.blob(), `trial-${trial.id}.safetensors`);
  });
}
