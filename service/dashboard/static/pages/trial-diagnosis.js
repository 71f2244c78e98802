/** Bias, variance and mismatch of a trial, the recipe's next steps, and the search that follows from them. */

import { call, isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { number, percent } from "../core/format.js";
import { Progress, problem } from "../components/parts.js";

/** @param {TrialView} view */
export function trialDiagnosis(view) {
  const node = h("section", { class: "card", "aria-label": "Diagnosis", hidden: true });
  let loaded = "";
  async function load() {
    const trial = view.trial();
    const known = [trial.metrics?.train_error, trial.metrics?.dev_error].every((error) => Number.isFinite(error));
    if (!trial.ended || trial.state === "diverged" || !known || loaded === trial.ended) return; // weights that are not finite tell nothing of bias
    loaded = trial.ended;
    node.hidden = false;
    try {
      fill(node, content(trial, await call(`/trials/${trial.id}/diagnosis`, { signal: view.signal })));
    } catch (error) {
      if (!isAbort(error)) fill(node, problem(error));
    }
  }
  return { node, load };
}

/**
 * @param {Trial} trial
 * @param {Api["DiagnosisRecord"]} found
 */
function content(trial, found) {
  const next = found.next_search ? h("a", { class: "button primary", href: `/new?after=${trial.id}` }, title(found.problems[0])) : null;
  const [bias, variance, either, mismatch] = ["bias", "variance", "variance_or_mismatch", "mismatch"].map((name) => found.problems.includes(name));
  const shown = found.base_error === null ? number : percent; // errors of a regression are no shares
  const between = found.train_dev_error === null ? "dev error" : "train-dev error";
  return [
    h("div", { class: "cardhead" }, h("h2", null, "Diagnosis"), h("span", { class: "spacer" }), next),
    h("p", { class: "hint" }, `Reduce bias first, then variance. A gap above ${percent(found.threshold)} is high.${found.uncertainty ? ` The dev set is small: its error is uncertain by ${percent(Number(found.uncertainty.toPrecision(2)))}, so a smaller gap may be chance.` : ""}`),
    h(
      "div",
      { class: "diagnosis" },
      h(
        "dl",
        { class: "gaps" },
        found.avoidable_bias === null || found.base_error === null ? null : gap("Avoidable bias", `train error ${percent(found.train_error)} − base error ${percent(found.base_error)}`, found.avoidable_bias, found.threshold, bias, shown),
        gap(either ? "Variance or mismatch" : "Variance", `${between} ${shown(found.train_dev_error ?? found.dev_error)} − train error ${shown(found.train_error)}`, found.variance, found.threshold, variance || either, shown),
        found.mismatch === null || found.train_dev_error === null ? null : gap("Mismatch", `dev error ${shown(found.dev_error)} − train-dev error ${shown(found.train_dev_error)}`, found.mismatch, found.threshold, mismatch, shown),
      ),
      h("div", null, h("p", null, found.summary), h("ol", { class: "steps" }, found.steps.map((step) => h("li", null, step.text, step.in_search ? h("span", { class: "badge applied" }, "in the next search") : null)))),
    ),
  ];
}

/**
 * What the button of the next search says.
 * @param {string | undefined} treated
 */
function title(treated) {
  if (!treated) return "Search around it";
  return treated === "variance_or_mismatch" ? "Tell variance from mismatch" : `Search against ${treated}`;
}

/**
 * @param {string} name
 * @param {string} how
 * @param {number} value
 * @param {number} threshold
 * @param {boolean | undefined} high
 * @param {(value: number) => string} shown
 */
function gap(name, how, value, threshold, high, shown) {
  const bar = new Progress(name);
  bar.set(value / (10 * threshold), high ? "paused" : "completed");
  return h("div", null, h("dt", null, name), h("dd", { class: high ? "high" : "" }, shown(value), high ? " · high" : ""), h("dd", null, bar.node), h("dd", { class: "muted" }, how));
}
