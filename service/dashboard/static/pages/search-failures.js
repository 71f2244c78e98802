/** Why trials of a search failed: in red above all else where none came to anything, in a line below the counts else. */

import { fill, h } from "../core/dom.js";
import { count, sentence } from "../core/format.js";
import { isOver } from "../core/search-math.js";

const NEWEST = 100; // the server counts the reasons of so many
const LONGEST = 400;

export class FailureNotes {
  constructor() {
    this.loud = h("div", { hidden: true });
    this.small = h("p", { class: "failednote", hidden: true });
    this.shown = "";
    this.reason = "";
  }

  /**
   * Whether a warning is told here: that the search paused itself because all of its trials failed for one reason.
   * @param {string | ProblemItem} warning
   */
  tells(warning) {
    return this.reason !== "" && !this.loud.hidden && typeof warning !== "string" && warning.message.includes(this.reason);
  }

  /** @param {Search} search */
  set(search) {
    const { counts, failures = [], finished, warnings } = search;
    const { failed = 0 } = counts;
    const all = failed > 0 && failed === finished;
    const key = JSON.stringify([failures, failed, all, search.state, warnings]);
    if (key === this.shown) return;
    this.shown = key;
    this.reason = failures[0]?.reason ?? "";
    this.loud.hidden = !all;
    this.small.hidden = all || !failures.length;
    fill(this.loud, all ? h("div", { class: "problem", role: "alert" }, this.everything(search, failed)) : null);
    if (!all && failures[0]) fill(this.small, h("strong", null, `${count(failed)} failed`), among(failures[0].count, failed), clipped(this.reason), " ", failedTrials(search));
  }

  /**
   * @param {Search} search
   * @param {number} failed
   */
  everything(search, failed) {
    const remedies = search.warnings.flatMap((warning) => (typeof warning !== "string" && this.tells(warning) ? sentence(warning.remedy) : []));
    return [
      h("strong", null, title(failed, isOver(search))),
      " ",
      failedTrials(search),
      h("ul", null, (search.failures ?? []).map((one) => h("li", null, h("strong", null, `${count(one.count)} × `), clipped(one.reason)))),
      failed > NEWEST ? h("p", { class: "muted" }, `These are the reasons for the newest ${NEWEST}.`) : null,
      ...remedies.map((remedy) => h("p", null, remedy)),
    ];
  }
}

/** @param {Search} search */
function failedTrials({ id }) {
  return h("a", { href: `/searches/${id}?view=trials&state=failed` }, "Show them");
}

/**
 * How many of all that failed had the commonest reason.
 * @param {number} most
 * @param {number} failed
 */
function among(most, failed) {
  if (most === failed) return ": ";
  return `, ${count(most)} of ${failed > NEWEST ? `the newest ${NEWEST}` : "them"} for this reason: `;
}

/**
 * @param {number} failed
 * @param {boolean} over
 */
function title(failed, over) {
  if (failed === 1) return over ? "The only trial failed." : "The first trial failed.";
  return `All ${count(failed)} trials${over ? "" : " so far"} failed.`;
}

/** @param {string} reason */
function clipped(reason) {
  return reason.length > LONGEST ? `${reason.slice(0, LONGEST)} …` : reason;
}
