/** How a decision boundary is drawn: a region for each class, the stronger the surer; or the heights of a value. */

import { number, percent, text } from "../core/format.js";
import { colour, faded, seriesColour } from "../core/theme.js";
import { points, words } from "../charts/layers.js";
import { rampColour } from "../charts/ramp.js";
import { cells, isoline } from "../charts/raster.js";
import { category, linear } from "../charts/scales.js";

/** @typedef {Api["Boundary"]} Boundary */

const [WEAK, STRONG] = [0.1, 0.5]; // of a region's colour, where the model is least and most sure

/**
 * @param {Boundary} found
 * @returns {import("../charts/chart.js").Spec}
 */
export function boundarySpec(found) {
  const { x, y, answers } = found;
  const grid = { x: x.values, y: y.values };
  const numeric = x.kind === "number" && y.kind === "number";
  const second = secondOfTwo(found);
  const axis = (/** @type {Api["Axis"]} */ { kind, values, name }) => ({ scale: kind === "number" ? linear(Number(values[0]), Number(values.at(-1))) : category(values), title: name });
  const shade = shading(found);
  return {
    summary: summary(found),
    x: axis(x),
    y: axis(y),
    layers: [
      cells({ grid, fill: (row, column) => shade(Number(answers[row]?.[column]), found.probabilities?.[row]?.[column]), describe: (row, column) => ({ title: answerText(found, Number(answers[row]?.[column])), rows: [[x.name, text(grid.x[column])], [y.name, text(grid.y[row])], ...sureness(found.probabilities?.[row]?.[column])] }) }),
      ...(second && numeric ? [isoline({ grid, values: second, level: found.threshold ?? 0.5, colour: colour("--ink") })] : []),
      ...rows(found),
      ...(found.probabilities ? [names(found)] : []),
    ],
  };
}

/**
 * The probability of the second of two classes, of which the boundary is a level.
 * @param {Boundary} found
 */
function secondOfTwo({ kind, answers, probabilities }) {
  return kind === "binary" && probabilities ? probabilities.map((along, row) => along.map((sure, column) => (answers[row]?.[column] ? sure : 1 - sure))) : null;
}

/**
 * @param {Boundary} found
 * @returns {(answer: number, probability?: number) => string}
 */
function shading(found) {
  if (!found.probabilities) {
    const [low, high] = range(found);
    return (answer) => rampColour((answer - low) / (high - low || 1));
  }
  const least = 1 / found.classes.length;
  return (answer, probability = 1) => faded(seriesColour(answer), WEAK + (STRONG - WEAK) * Math.max(0, (probability - least) / (1 - least)));
}

/**
 * @param {Boundary} found
 * @returns {[number, number]}
 */
function range({ answers, points: { truth } }) {
  const all = [...answers.flat(), ...truth];
  return [all.reduce((one, other) => Math.min(one, other), Infinity), all.reduce((one, other) => Math.max(one, other), -Infinity)];
}

/**
 * Rows of the dev set: their colour is the truth; a ring says that the model is wrong.
 * @param {Boundary} found
 */
function rows(found) {
  const { points: given, probabilities } = found;
  const shade = shading(found);
  const hue = (/** @type {number} */ index) => (probabilities ? seriesColour(given.truth[index] ?? 0) : shade(given.truth[index] ?? 0));
  const wrong = given.row.map((_, index) => index).filter((index) => probabilities && given.truth[index] !== given.answer[index]);
  /** @type {(index: number) => import("../charts/layers.js").Description} */
  const describe = (index) => ({ title: `Row ${given.row[index]}`, rows: [["truth", answerText(found, given.truth[index] ?? 0)], ["answer", answerText(found, given.answer[index] ?? 0)], [found.x.name, text(given.x[index])], [found.y.name, text(given.y[index])]] });
  return [
    points({ x: given.x, y: given.y, colour: colour(probabilities ? "--surface" : "--ink"), size: 4.5 }),
    points({ x: wrong.map((index) => given.x[index]), y: wrong.map((index) => given.y[index]), colour: colour("--ink"), size: 6, ring: true }),
    points({ x: given.x, y: given.y, colour: hue, size: 3.5, describe }),
  ];
}

/**
 * The name of each class where the model is surest of it.
 * @param {Boundary} found
 */
function names({ classes, answers, probabilities, x, y }) {
  const best = classes.map(() => ({ sure: 0, row: 0, column: 0 }));
  answers.forEach((along, row) =>
    along.forEach((answer, column) => {
      const sure = probabilities?.[row]?.[column] ?? 0;
      if (sure > (best[answer]?.sure ?? 1)) best[answer] = { sure, row, column };
    }),
  );
  return words(
    (frame) => best.flatMap(({ sure, row, column }, answer) => (sure ? [{ text: classes[answer] ?? "", x: Math.min(frame.left + frame.width - 30, Math.max(frame.left + 30, frame.x(x.values[column]))), y: Math.min(frame.top + frame.height - 10, Math.max(frame.top + 10, frame.y(y.values[row]))), align: /** @type {const} */ ("center") }] : [])),
    colour("--ink"),
  );
}

/** @param {number | undefined} probability */
const sureness = (probability) => (probability === undefined ? [] : [/** @type {[string, string]} */ (["probability", percent(probability)])]);

/**
 * @param {Boundary} found
 * @param {number} answer
 */
function answerText(found, answer) {
  return found.probabilities ? (found.classes[answer] ?? "") : `${found.target ?? ""} ${number(answer)}`;
}

/** @param {Boundary} found */
function summary(found) {
  const { x, y, answers, classes } = found;
  if (!found.probabilities) return `${found.target} over ${x.name} and ${y.name}, from ${range(found).map((each) => number(each)).join(" to ")}`;
  const all = answers.flat();
  return `Answers over ${x.name} and ${y.name}: ${classes.map((name, index) => `${name} on ${percent(all.filter((each) => each === index).length / all.length)} of the picture`).join(", ")}`;
}

/**
 * What the colours say.
 * @param {Boundary} found
 * @returns {[string, string][]}
 */
export function boundaryEntries(found) {
  if (found.probabilities) return found.classes.slice(0, 10).map((name, index) => [name, seriesColour(index)]);
  const [low, high] = range(found);
  return [low, (low + high) / 2, high].map((value, index) => [number(value), rampColour(index / 2)]);
}
