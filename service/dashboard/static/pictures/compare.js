/** Pictures that lay several searches or several trials over each other. */

import { call, isAbort } from "../core/api.js";
import { leftOut, readCurve, withPast } from "../core/branches.js";
import { label } from "../core/format.js";
import { measured, objectiveMetric, objectiveValue } from "../core/search-math.js";
import { seriesColour } from "../core/theme.js";
import { line } from "../charts/layers.js";
import { fitted, linear, robustTop } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { makeLegend } from "../components/legend.js";
import { choose } from "../components/parts.js";
import { measuredAxis } from "./measured-axis.js";

/**
 * Best so far of each search by the number of its ended trials.
 * @param {() => Search[]} searches
 * @param {AbortSignal} signal
 */
export function coursesPicture(searches, signal) {
  const legend = makeLegend();
  const figure = new Figure({ name: "courses", title: "Best so far", hint: "The best value after each number of trials. A search whose line drops earlier needed fewer trials.", height: 330, controls: [legend.node] });
  async function update() {
    const all = searches();
    /** @type {Api["CourseOfSearch"][]} */
    const courses = await Promise.all(all.map((search) => call(`/searches/${search.id}/history?points=3000`, { signal })));
    const values = courses.flatMap(({ best }) => best);
    const top = robustTop(values);
    legend.set(all.map((search, index) => [`${search.id} ${search.name}`, seriesColour(index)]));
    figure.show(
      {
        summary: `Best so far of ${all.map((search) => search.name).join(", ")}`,
        x: { scale: linear(0, Math.max(2, ...courses.map(({ total }) => total)), { integers: true }), title: "trials ended" },
        y: measuredAxis(all[0], all[0] ? objectiveMetric(all[0]) : "", fitted(values.map((value) => (value !== null && value > top ? null : value)))),
        layers: courses.map((course, index) =>
          line({ x: course.order, y: course.best, step: true, width: 2, colour: seriesColour(index), describe: (at) => ({ title: all[index]?.name ?? "", rows: [["after trials", String(course.order[at])], ["best", objectiveValue(/** @type {Search} */ (all[index]), course.best[at])]] }) }),
        ),
      },
      () => ({ names: ["search", "ended", "best"], rows: courses.flatMap((course, index) => course.order.map((each, at) => [all[index]?.name, each, course.best[at]])) }),
    );
  }
  return { node: figure.node, update };
}

/**
 * @param {Compared[]} all
 * @param {Search} search of the first one: its objective is shown at first
 * @param {AbortSignal} signal
 */
export function trialCurvesPicture(all, search, signal) {
  const metric = objectiveMetric(search);
  const columns = [...new Set(all.flatMap(({ curve }) => curve.columns))].filter((name) => !["epoch", "step"].includes(name));
  const legend = makeLegend();
  let shown = columns.includes(metric) ? metric : (columns[0] ?? "");
  const control = choose("Metric", columns.map((name) => [name, label(name)]), shown, (name) => {
    shown = name;
    draw();
  });
  control.classList.add("small");
  const figure = new Figure({ name: "trial-curves", title: "Learning curves", hint: "The same metric for each, by epoch. Branches of a trial share a curve up to the epoch of the rewind.", wide: true, height: 360, controls: [control, legend.node] });
  /** Read every epoch: for a part that is shown, and for the file. */
  async function complete() {
    const short = all.filter(({ curve }) => leftOut(curve));
    await Promise.all(
      short.map(async (each) => {
        each.curve = await readCurve(each.trial.id, signal, { whole: true });
        each.branch = each.curve.branches.find(({ branch }) => branch === each.branch?.branch);
      }),
    );
    if (short.length) draw();
  }
  figure.chart.turned = () => void complete().catch((error) => isAbort(error) || figure.fail(error));
  const lines = () => all.map(({ curve, branch }) => withPast(curve, branch, shown));
  function draw() {
    const drawn = lines();
    legend.set(all.map(({ name }, index) => [name, seriesColour(index)]));
    figure.show(
      {
        summary: `${label(shown)} of ${all.map(({ name }) => name).join("; ")}`,
        x: { scale: linear(1, Math.max(2, ...drawn.map(({ epoch }) => epoch.at(-1) ?? 1)), { integers: true }), title: "epoch" },
        y: measuredAxis(search, shown, fitted(drawn.flatMap(({ values }) => values))),
        layers: drawn.map(({ epoch, values }, index) =>
          line({ x: epoch, y: values, width: 2, end: "dot", colour: seriesColour(index), describe: (at) => ({ title: all[index]?.name ?? "", rows: [[`epoch ${epoch[at]}`, measured(search, shown, values[at])]], open: `/trials/${all[index]?.trial.id}` }) }),
        ),
      },
      async () => (await complete(), { names: ["trial", "epoch", shown], rows: lines().flatMap(({ epoch, values }, index) => epoch.map((each, at) => [all[index]?.name, each, values[at]])) }),
    );
  }
  draw();
  return { node: figure.node };
}
