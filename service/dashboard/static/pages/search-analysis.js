/** How good the best of a search is by now: what further trials may bring, and the leaders trained again. */

import { call } from "../core/api.js";
import { fill, h, setText } from "../core/dom.js";
import { count, label, percent, text } from "../core/format.js";
import { apart, objectiveMetric, objectiveName, objectiveValue } from "../core/search-math.js";

/** @param {SearchView} view */
export function remainingLine(view) {
  const node = h("p", { class: "muted remaining", hidden: true });
  async function update() {
    if (view.search().spec.strategy?.name !== "random") return; // what it says holds of trials drawn at random alone
    /** @type {Api["Outlook"]} */
    const found = await call(`/searches/${view.search().id}/remaining`, { signal: view.signal });
    node.hidden = found.trials < 2;
    setText(node, sentence(view.search(), found));
  }
  return { node, update };
}

/**
 * @param {Search} search
 * @param {Api["Outlook"]} found
 */
function sentence(search, { trials, left, share, confidence, probability, improvement }) {
  const so = `The best of ${count(trials)} random trials is in the top ${percent(Number(share.toPrecision(2)))} of the space with ${percent(confidence)} confidence.`;
  if (!left) return so;
  return `${so} The ${count(left)} still to come would find a better one with ${percent(Number(probability.toPrecision(2)))}, by ${apart(search, objectiveMetric(search), Number(improvement.toPrecision(2)))} on average.`;
}

/** @param {SearchView} view */
export function standingsCard(view) {
  const node = h("section", { class: "card", "aria-label": "Leaders retrained", hidden: true });
  async function update() {
    const search = view.search();
    if (!(/** @type {any} */ (search.spec.reevaluate)?.leaders)) return;
    /** @type {{items: Standing[], winner: Standing | null, reason: string | null, text: string | null}} */
    const { items, winner, reason, text: differences } = await call(`/searches/${search.id}/standings`, { signal: view.signal });
    node.hidden = !items.length && !reason;
    fill(
      node,
      h("div", { class: "cardhead" }, h("h2", null, "Leaders retrained")),
      h("p", { class: "hint" }, "The best of many trials is partly lucky. Training again with fresh seeds removes that luck: the mean counts the fresh runs only."),
      reason ? h("p", { class: "muted" }, `No winner yet: ${reason}.`) : null,
      winner ? h("p", null, h("strong", null, "Trial ", trialLink(winner.trial), " wins. "), differences ?? "") : null,
      items.length ? table(search, items, winner) : null,
    );
  }
  return { node, update };
}

/**
 * @param {Search} search
 * @param {Standing[]} items
 * @param {Standing | null} winner
 */
function table(search, items, winner) {
  const head = ["Trial", `Mean ${objectiveName(search)}, fresh seeds`, "Spread", "First", "Fresh runs", "Parameters"].map((title) => h("th", { scope: "col" }, title));
  const rows = items.map((one) =>
    h(
      "tr",
      { class: one.trial === winner?.trial ? "first" : "" },
      h("td", null, trialLink(one.trial)),
      h("td", null, objectiveValue(search, one.mean), one.trial === winner?.trial ? " · winner" : ""),
      h("td", null, objectiveValue(search, one.spread)),
      h("td", null, objectiveValue(search, one.first)),
      h("td", null, one.trainings.flatMap((id, index) => [index ? ", " : "", trialLink(id)])),
      h("td", null, Object.entries(one.params).map(([name, value]) => `${label(name)} ${text(value)}`).join(", ")),
    ),
  );
  return h("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": "Standings" }, h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows)));
}

/** @param {string} id */
function trialLink(id) {
  return h("a", { href: `/trials/${id}` }, id.slice(id.indexOf(".") + 1));
}
