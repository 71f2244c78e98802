/** Predictions of a regression: against the truth, or what is left of it. */

import { number } from "../core/format.js";
import { colour, faded } from "../core/theme.js";
import { line, points, rule } from "../charts/layers.js";
import { linear } from "../charts/scales.js";

/**
 * @param {Api["Residuals"]} target
 * @param {boolean} left show what is left, rather than the predictions themselves
 * @returns {import("../charts/chart.js").Spec}
 */
export function residualSpec({ name, row, actual, predicted }, left) {
  const residual = predicted.map((value, index) => value - (actual[index] ?? NaN));
  const both = span([...actual, ...predicted]);
  const largest = Math.max(...residual.map(Math.abs)) * 1.05 || 1;
  const dots = points({
    x: left ? predicted : actual,
    y: left ? residual : predicted,
    colour: faded(colour("--data-1"), row.length > 500 ? 0.4 : 0.65),
    size: 3,
    describe: (index) => ({ title: `Row ${(row[index] ?? 0) + 1} of the dev set`, rows: [["actual", number(actual[index])], ["predicted", number(predicted[index])], ["residual", number(residual[index])]] }),
  });
  const summary = `${left ? "Residuals" : "Predictions"} of ${name} for ${row.length} examples, the largest residual ${number(largest / 1.05)}`;
  if (left) return { summary, x: { scale: linear(...span(predicted)), title: `predicted ${name}` }, y: { scale: linear(-largest, largest), title: "predicted − actual" }, layers: [rule({ at: 0, colour: colour("--axis"), dash: [] }), dots] };
  return { summary, x: { scale: linear(...both), title: `actual ${name}` }, y: { scale: linear(...both), title: `predicted ${name}` }, layers: [line({ x: both, y: both, colour: colour("--axis"), width: 1 }), dots] };
}

/**
 * @param {number[]} values
 * @returns {[number, number]}
 */
function span(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low || 1) * 0.04;
  return [low - room, high + room];
}

/** @param {Api["Residuals"]} target */
export function residualSheet({ name, row, actual, predicted }) {
  return { names: ["row", `actual ${name}`, `predicted ${name}`], rows: row.map((each, index) => [each, actual[index], predicted[index]]) };
}
