/** Slices: the objective against each parameter, one small chart each, on the parameter's own scale. */

import { label, text } from "../core/format.js";
import { go } from "../core/router.js";
import { objectiveMetric, objectiveName, objectiveValue, parameterNames } from "../core/search-math.js";
import { colour, faded } from "../core/theme.js";
import { points } from "../charts/layers.js";
import { ChartGrid } from "../charts/grid.js";
import { fitted, robustTop, scaleOf } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { asideNote } from "./aside.js";
import { sampleSheet } from "./sample.js";
import { measuredAxis } from "./measured-axis.js";

/** The share shown as leading: a twentieth, but not more than 60 points. */
const LEADING = 0.05;
const LEADING_POINTS = 60;

/** @param {SearchView} view */
export function picture(view) {
  const grid = new ChartGrid({ height: 190, open: (address) => go(address) });
  grid.columns(230);
  const figure = new Figure({
    name: "slices",
    title: "Slices",
    hint: "The objective against each parameter, the best in orange. A clear valley shows where to search; a flat cloud means the parameter hardly matters.",
    wide: true,
    canvas: grid,
  });
  /** @param {import("./sample.js").Sample} sample */
  function draw(sample) {
    const search = view.search();
    if (!sample.values.some((value) => value !== null)) {
      figure.blank("No trial has a value yet.");
      return;
    }
    const top = robustTop(sample.values);
    const measures = [...sample.values, ...sample.aside.map(({ value }) => value)].map((value) => (value !== null && value > top ? null : value));
    const y = measuredAxis(search, objectiveMetric(search), fitted(measures), "");
    const leading = Array.from(sample.ranks.keys()).filter((index) => Number(sample.ranks[index]) >= 1 - Math.min(LEADING, LEADING_POINTS / sample.numbers.length));
    for (const name of parameterNames(search.spec)) {
      const values = sample.params[name] ?? [];
      /** @param {number} index */
      const describe = (index) => ({
        title: `Trial ${sample.numbers[index]}`,
        rows: /** @type {[string, string][]} */ ([[label(name), text(values[index])], [objectiveName(search), objectiveValue(search, sample.values[index])]]),
        open: `/trials/${search.id}.${sample.numbers[index]}`,
      });
      grid.set(name, {
        summary: `${objectiveName(search)} against ${label(name)}`,
        x: { scale: scaleOf(search.spec.space[name] ?? {}), title: label(name) },
        y,
        layers: [
          points({ x: sample.aside.map(({ index }) => values[index]), y: sample.aside.map(({ value }) => value), colour: colour("--aside"), size: 2.5, describe: (index) => asideNote(search, sample.numbers[sample.aside[index]?.index ?? 0], sample.aside[index]) }),
          points({ x: values, y: sample.values, colour: faded(colour("--data-1"), sample.numbers.length > 1000 ? 0.3 : 0.5), size: 2.5, describe }),
          points({ x: leading.map((index) => values[index]), y: leading.map((index) => sample.values[index]), colour: colour("--best"), size: 2.5 }),
        ],
      });
    }
    figure.ready(() => sampleSheet(sample), sample.note);
  }
  return { node: figure.node, draw, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
