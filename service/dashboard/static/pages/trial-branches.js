/** The branches of a trial side by side: where each left, what was changed on it, how far it came and how good it was. */

import { fill, h } from "../core/dom.js";
import { count, label, text } from "../core/format.js";
import { bestOf } from "../core/branches.js";
import { measured, minimizes, objectiveMetric } from "../core/search-math.js";

/**
 * @param {TrialView} view
 * @param {import("./steer.js").SteerPanel} steer which takes the best epoch of a branch as a point to go back to
 */
export function trialBranches(view, steer) {
  const node = h("section", { class: "card", "aria-label": "Branches", hidden: true });
  let shown = "";
  /** @param {Curve} curve */
  function draw(curve) {
    const { branches } = curve;
    const key = JSON.stringify([branches.map(({ epoch }) => epoch.at(-1)), steer.now?.branches, view.trial().branch]);
    node.hidden = branches.length < 2;
    if (node.hidden || key === shown || node.contains(document.activeElement)) return; // a button in hand stays where it is
    shown = key;
    fill(node, ...content(view, curve, steer));
  }
  return { node, draw };
}

/**
 * @param {TrialView} view
 * @param {Curve} curve
 * @param {import("./steer.js").SteerPanel} steer
 */
function content(view, { branches }, steer) {
  const trial = view.trial();
  const metric = objectiveMetric(view.search);
  const best = branches.map((branch) => bestOf(branch, metric, minimizes(view.search)));
  const last = (/** @type {Branch} */ branch, /** @type {string} */ name) => measured(view.search, name, /** @type {any} */ (branch[name])?.at(-1));
  const back = branches.map((branch, index) => {
    const point = best[index];
    return point ? h("button", { type: "button", class: "small", onclick: () => steer.pick(point.epoch, branch.branch) }, `Epoch ${count(point.epoch)}`) : "";
  });
  /** @type {[string, import("../core/dom.js").Children[]][]} */
  const rows = [
    ["Left", branches.map((branch) => (branch.parent === null ? "at the start" : `branch ${branch.parent} at epoch ${count(branch.from_epoch)}`))],
    ["Changes", branches.map((branch) => changes(steer.now?.branches, branch.branch).map((each) => h("div", null, each)))],
    ["Last epoch", branches.map((branch) => count(branch.epoch.at(-1)))],
    [`Last ${label(metric)}`, branches.map((branch) => last(branch, metric))],
    ["Last train error", branches.map((branch) => last(branch, "train_error"))],
    [`Best ${label(metric)}`, best.map((point) => measured(view.search, metric, point?.value))],
    ["Rewind to its best", back],
  ];
  const heads = branches.map(({ branch }) => h("th", { scope: "col" }, `Branch ${branch}`, branch === trial.branch ? h("span", { class: "badge applied beside-name" }, "current") : null));
  const among = branches.slice(-6).map(({ branch }) => `${trial.id}@${branch}`);
  return [
    h("div", { class: "cardhead" }, h("h2", null, "Branches side by side"), h("span", { class: "spacer" }), h("a", { class: "button", href: `/compare?trials=${among.join(",")}` }, "Compare their curves")),
    h(
      "div",
      { class: "tablebox", tabindex: "0", role: "region", "aria-label": "Branches side by side" },
      h("table", { class: "branches wraps" }, h("thead", null, h("tr", null, h("td"), heads)), h("tbody", null, rows.map(([name, cells]) => h("tr", null, h("th", { scope: "row" }, name), cells.map((cell) => h("td", null, cell)))))),
    ),
  ];
}

/**
 * All changes that led to where a branch is, those of its past included.
 * @param {BranchChanges[] | undefined} lines
 * @param {number} branch
 */
export function changes(lines, branch) {
  const all = lines?.find((each) => each.branch === branch)?.changes ?? [];
  return all.length ? all.flatMap(({ epoch, settings }) => Object.entries(settings).map(([name, value]) => `${label(name)} ${text(value)} from epoch ${epoch + 1}`)) : ["none"];
}
