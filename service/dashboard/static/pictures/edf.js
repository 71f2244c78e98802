/** The distribution of the objective: the share of trials at or below each value, for one search or several. */

import { call } from "../core/api.js";
import { percent } from "../core/format.js";
import { seriesColour } from "../core/theme.js";
import { line } from "../charts/layers.js";
import { fitted, linear } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { makeLegend } from "../components/legend.js";
import { objectiveMetric, objectiveName, objectiveValue } from "../core/search-math.js";
import { measuredAxis } from "./measured-axis.js";

const STEPS = 1000;

/**
 * Steps of the empirical distribution, at most a thousand.
 * @param {(number | null)[]} values
 */
export function distribution(values) {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const stride = Math.max(1, Math.ceil(sorted.length / STEPS));
  const x = sorted.slice(0, 1); // from nothing up to the share of the best
  const y = x.map(() => 0);
  for (let index = 0; index < sorted.length; index += stride) {
    x.push(sorted[index] ?? NaN);
    y.push((index + 1) / sorted.length);
  }
  if (sorted.length) {
    x.push(sorted.at(-1) ?? NaN);
    y.push(1);
  }
  return { x, y };
}

/** @param {SearchView} view */
export function picture(view) {
  return edfPicture(() => [view.search()], view.signal);
}

/**
 * @param {() => Search[]} searches
 * @param {AbortSignal} signal
 */
export function edfPicture(searches, signal) {
  const legend = makeLegend();
  const figure = new Figure({
    name: "distribution",
    title: "Distribution",
    hint: "The share of trials at or better than each value. A curve that rises early means most trials of that search were good, not only the best.",
    height: 330,
    controls: [legend.node],
  });
  async function update() {
    const all = searches();
    const found = await Promise.all(all.map((search) => call(`/searches/${search.id}/history?points=4000`, { signal })));
    const curves = found.map((history) => distribution(history.value));
    if (!curves.some(({ x }) => x.length)) {
      figure.blank("No trial has a value yet.");
      return;
    }
    if (all.length > 1) legend.set(all.map((search, index) => [`${search.id} ${search.name}`, seriesColour(index)]));
    figure.show(
      {
        summary: `Distribution of ${all[0] ? objectiveName(all[0]) : "the objective"} over ${all.length} searches`,
        x: measuredAxis(all[0], all[0] ? objectiveMetric(all[0]) : "", fitted(curves.flatMap(({ x }) => x.map((value) => value ?? null)))),
        y: { scale: linear(0, 1), title: "share of trials" },
        layers: curves.map(({ x, y }, index) =>
          line({ x, y, step: true, width: 2, colour: seriesColour(index), describe: (at) => ({ title: all[index]?.name ?? "", rows: [["value", objectiveValue(/** @type {Search} */ (all[index]), x[at])], ["share", percent(y[at])]] }) }),
        ),
      },
      () => ({ names: ["search", "value", "share"], rows: curves.flatMap(({ x, y }, index) => x.map((value, at) => [all[index]?.name, value, y[at]])) }),
    );
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
