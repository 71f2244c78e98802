/** Results that do not count, drawn grey beside those that do. */

import { objectiveName, objectiveValue } from "../core/search-math.js";

/**
 * What is said of one under the pointer.
 * @param {Search} search
 * @param {number | undefined} trial its number
 * @param {{value: number | null, why: string} | undefined} one
 */
export function asideNote(search, trial, one) {
  return {
    title: `Trial ${trial} does not count`,
    rows: /** @type {[string, string][]} */ ([[objectiveName(search), objectiveValue(search, one?.value)], ["because", one?.why ?? ""]]),
    open: `/trials/${search.id}.${trial}`,
  };
}
