/** Best so far: every trial as a point in order of completion, and the best value up to then as a line. */

import { call } from "../core/api.js";
import { count, moment } from "../core/format.js";
import { objectiveMetric, objectiveName, objectiveValue } from "../core/search-math.js";
import { colour } from "../core/theme.js";
import { fitted, linear, robustTop } from "../charts/scales.js";
import { line, points } from "../charts/layers.js";
import { Figure } from "../components/figure.js";
import { asideNote } from "./aside.js";
import { measuredAxis } from "./measured-axis.js";

const POINTS = 6000;

/**
 * @param {SearchView} view
 * @param {{wide?: boolean}} [options]
 */
export function picture(view, { wide = false } = {}) {
  const figure = new Figure({
    name: "history",
    title: "Best so far",
    hint: "Each point is a trial, in order of completion; the line is the best value so far. If it has been flat for a long time, more trials of this kind will not help much.",
    height: wide ? 300 : 280,
    wide,
  });
  async function update() {
    const search = view.search();
    /** @type {Api["CourseOfSearch"]} */
    const history = await call(`/searches/${search.id}/history?points=${POINTS}`, { signal: view.signal });
    if (!history.number.length) {
      figure.blank("No trial has ended yet.");
      return;
    }
    if (history.value.every((value) => value === null)) {
      const { failed = 0, diverged = 0 } = search.counts;
      figure.blank(failed + diverged ? `No trial has a value: ${count(failed + diverged)} ${failed ? (diverged ? "failed or diverged" : "failed") : "diverged, usually because the learning rate is too high"}.` : "No trial has a value yet.");
      return;
    }
    draw(figure, search, history);
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}

/**
 * @param {Figure} figure
 * @param {Search} search
 * @param {Api["CourseOfSearch"]} history
 */
function draw(figure, search, history) {
  const { number: numbers, value, best, order, total, aside } = history;
  const worst = robustTop(value);
  /** @param {number} index */
  const describe = (index) => ({
    title: `Trial ${numbers[index]}`,
    rows: /** @type {[string, string][]} */ ([[objectiveName(search), objectiveValue(search, value[index])], ["best so far", objectiveValue(search, best[index])], ["ended", moment(history.ended[index] ?? "")]]),
    open: `/trials/${search.id}.${numbers[index]}`,
  });
  figure.show(
    {
      summary: `Best ${objectiveName(search)} so far over ${count(total)} trials; now ${objectiveValue(search, search.best?.value)}`,
      x: { scale: linear(0, Math.max(2, total), { integers: true }), title: "trials ended" },
      y: measuredAxis(search, objectiveMetric(search), fitted([...value, ...aside.map((one) => one.value)].map((each) => (each !== null && each > worst ? null : each)))),
      layers: [
        points({ x: aside.map((one) => one.order), y: aside.map((one) => one.value), colour: colour("--aside"), size: 3, describe: (index) => asideNote(search, aside[index]?.number, aside[index]) }),
        points({ x: order, y: value, colour: colour("--faint"), size: 3, describe }),
        line({ x: order, y: best, colour: colour("--best"), width: 2, step: true }),
      ],
    },
    () => ({ names: ["trial", "value", "best", "ended"], rows: numbers.map((each, index) => [each, value[index], best[index], history.ended[index]]) }),
    numbers.length < total ? `${count(numbers.length)} of ${count(total)} trials drawn: every improvement and an even sample of the rest.` : "",
  );
}
