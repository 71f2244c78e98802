/** Re-tests of a search: begin one, also on a schedule, and see what those so far have found. */

import { call } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { moment } from "../core/format.js";
import { apart, objectiveMetric, objectiveValue } from "../core/search-math.js";
import { openDialog } from "../components/dialog.js";
import { attempt, choose, problem } from "../components/parts.js";

const DAY = 86400;
const PERIODS = /** @type {[string, string][]} */ ([["", "once"], [String(DAY), "every day"], [String(7 * DAY), "every 7 days"], [String(30 * DAY), "every 30 days"]]);

/**
 * Whether the winners of a search can be trained again by agents.
 * @param {Search} search
 */
export function mayRetest(search) {
  return search.best !== null && search.retest_of === null && !["external", "optuna"].includes(String(search.spec.trainer)) && search.spec.strategy?.name !== "population";
}

/** @param {Search} search */
export function retestSearch(search) {
  const path = `/searches/${search.id}/retests`;
  const data = h("input", { "aria-label": "Newer data", placeholder: "a data set's name, or sales* for the newest of these", size: 44 });
  const period = choose("How often", PERIODS, "", () => undefined);
  const begin = h("button", { type: "button", class: "primary" }, "Re-test");
  const list = h("ul", { class: "records" });
  const close = h("button", { type: "button" }, "Close");
  const hint = "The winners are trained again with fresh seeds, on newer data and on the earlier data: has anything drifted, and why? Without a name, on the same data. Test sets are not looked at.";
  const dialog = openDialog(`Re-test ${search.name}`, [h("div", { class: "fields" }, h("p", { class: "hint" }, hint), h("div", { class: "filters" }, data, period, begin), list)], [close]);
  close.addEventListener("click", () => dialog.close());

  const load = async () => {
    try {
      /** @type {Api["Retests"]} */
      const { items, schedule } = await call(path);
      const end = () => attempt(() => call(`${path}/schedule`, { method: "DELETE" }), "It is re-tested no more on a schedule.").then(load);
      fill(list, schedule && planned(schedule, end), items.map((retest) => item(search, retest)));
    } catch (error) {
      fill(list, problem(error));
    }
  };
  begin.addEventListener("click", async () => {
    const json = { data: data.value.trim() || null, every: period.value ? Number(period.value) : null };
    if (await attempt(() => call(path, { method: "POST", json }), "The winners are being trained again.")) await load();
  });
  void load();
}

/**
 * @param {Api["RetestSchedule"]} schedule
 * @param {() => unknown} end
 */
function planned(schedule, end) {
  const failed = schedule.problem ? `; the last one could not begin: ${schedule.problem}` : "";
  return h("li", null, `The next one: ${moment(schedule.due)}${failed}`, h("button", { type: "button", class: "small danger", onclick: end }, "End the schedule"));
}

/**
 * @param {Search} search
 * @param {Api["Retest"]} retest
 */
function item(search, retest) {
  const data = retest.data ? String(retest.data.name) : "the same data";
  const head = h("strong", null, `Re-test ${retest.nth}, ${moment(retest.created)}, on ${data}`);
  if (retest.state === "running") return h("li", null, head, " trains ", searches(retest));
  if (!retest.report) return h("li", null, head, h("p", null, `It came to nothing: ${retest.problem}`));
  const value = (/** @type {number} */ one) => objectiveValue(search, one);
  const change = (/** @type {number} */ one) => apart(search, objectiveMetric(search), one);
  const rows = retest.report.winners.map((one) =>
    h("tr", null, h("td", null, h("a", { href: `/trials/${one.trial}` }, one.trial)), h("td", null, value(one.before)), h("td", null, value(one.after)), h("td", null, one.low === null || one.high === null ? "–" : `${change(one.low)} to ${change(one.high)}`), h("td", null, `${one.rank_before} → ${one.rank_after}`)),
  );
  const names = ["Winner", "Before", "Now", "Change, 95 %", "Rank"].map((name) => h("th", { scope: "col" }, name));
  return h("li", null, h("div", null, head, h("p", { class: retest.drifted ? "warning-note" : null }, retest.report.text.join(" ")), h("table", null, h("thead", null, h("tr", null, names)), h("tbody", null, rows)), h("p", { class: "hint" }, "Its searches: ", searches(retest))));
}

/**
 * Links to the searches of a re-test.
 * @param {Api["Retest"]} retest
 */
function searches({ baseline, again, fresh, data }) {
  const link = (/** @type {number} */ id, /** @type {string} */ text) => h("a", { href: `/searches/${id}` }, text);
  const own = [link(baseline, "on the earlier data"), ", ", link(again, data ? "on the newer data" : "on it again")];
  return fresh === null ? own : [...own, ", ", link(fresh, "a fresh search")];
}
