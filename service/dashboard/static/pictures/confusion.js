/** A confusion matrix as a chart: true classes down, answers across, each cell by its share of the row. */

import { percent } from "../core/format.js";
import { colour } from "../core/theme.js";
import { rectangles, words } from "../charts/layers.js";
import { category } from "../charts/scales.js";

const STRONG = 0.55; // of a cell's colour: from here on its number is written in the page's own

/**
 * @param {string[]} classes
 * @param {number[][]} matrix actual down, predicted across
 * @returns {import("../charts/chart.js").Spec}
 */
export function matrixSpec(classes, matrix) {
  const cells = classes.flatMap((actual, row) => classes.map((predicted, column) => cell(matrix, actual, predicted, row, column))).filter(({ amount, right }) => amount > 0 || right);
  /** @param {import("../charts/chart.js").Frame} frame @param {{actual: string, predicted: string}} each */
  const place = (frame, each) => ({ x: frame.x(each.predicted), y: frame.y(each.actual), halfX: frame.width / classes.length / 2 - 1, halfY: frame.height / classes.length / 2 - 1 });
  const cellNumbers = (/** @type {boolean} */ strong) =>
    words((frame) => {
      if (frame.width / classes.length < 22 || frame.height / classes.length < 13) return [];
      return cells.filter(({ amount, strength }) => amount > 0 && strength >= STRONG === strong).map((each) => ({ text: String(each.amount), x: place(frame, each).x, y: place(frame, each).y, align: /** @type {const} */ ("center") }));
    }, colour(strong ? "--surface" : "--ink"));
  return {
    summary: `Confusion matrix of ${classes.length} classes: ${cells.filter(({ right }) => right).map(({ actual, amount, total }) => `${actual} ${amount} of ${total} right`).join(", ")}`,
    x: { scale: category(classes), title: "predicted" },
    y: { scale: category([...classes].reverse()), title: "actual" },
    layers: [
      rectangles({
        count: cells.length,
        box: (index, frame) => {
          const { x, y, halfX, halfY } = place(frame, cells[index] ?? { actual: "", predicted: "" });
          return { x0: x - halfX, x1: x + halfX, y0: y - halfY, y1: y + halfY };
        },
        fill: (index) => `color-mix(in srgb, ${colour(cells[index]?.right ? "--data-1" : "--bad")} ${100 * (cells[index]?.strength ?? 0)}%, ${colour("--surface")})`,
        describe: (index) => {
          const each = cells[index];
          return { title: `${each?.actual} ${each?.right ? "recognised" : `predicted as ${each?.predicted}`}`, rows: [["examples", `${each?.amount} of ${each?.total}`], ["share", percent(each?.total ? each.amount / each.total : null)]] };
        },
      }),
      cellNumbers(false),
      cellNumbers(true),
    ],
  };
}

/**
 * @param {number[][]} matrix
 * @param {string} actual
 * @param {string} predicted
 * @param {number} row
 * @param {number} column
 */
function cell(matrix, actual, predicted, row, column) {
  const amount = matrix[row]?.[column] ?? 0;
  const total = matrix[row]?.reduce((sum, each) => sum + each, 0) ?? 0;
  const share = total ? amount / total : 0;
  const right = row === column;
  return { actual, predicted, amount, total, right, strength: right ? 0.1 + 0.75 * share : 0.15 + 0.85 * Math.min(1, share * 2) }; // mistakes are rare: they show earlier
}

/**
 * @param {string[]} classes
 * @param {number[][]} matrix
 */
export function matrixSheet(classes, matrix) {
  return { names: ["actual", ...classes.map((name) => `predicted ${name}`)], rows: classes.map((name, row) => [name, ...(matrix[row] ?? [])]) };
}
