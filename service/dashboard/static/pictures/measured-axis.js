/** An axis of a metric's values, whose ticks are written as the values are everywhere else. */

import { label } from "../core/format.js";
import { measured } from "../core/search-math.js";
import { written } from "../charts/scales.js";

const DIGITS = 6; // ticks of a picture that was zoomed into are close to one another

/**
 * @param {Search | undefined} search
 * @param {string} metric
 * @param {import("../charts/scales.js").Scale} scale
 * @param {string} [title]
 */
export function measuredAxis(search, metric, scale, title = label(metric)) {
  return { scale: search ? written(scale, (value) => measured(search, metric, value, DIGITS)) : scale, title };
}
