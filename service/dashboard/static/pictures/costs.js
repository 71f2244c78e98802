/** The cost of each mini-batch of a trial, and its exponentially weighted average. */

import { averaged } from "../core/averages.js";
import { count, number } from "../core/format.js";
import { colour } from "../core/theme.js";
import { fitted, linear } from "../charts/scales.js";
import { line } from "../charts/layers.js";
import { Figure } from "../components/figure.js";
import { Smoothing } from "../components/smoothing.js";

/** @param {TrialView} view */
export function costsPicture(view) {
  /** @type {Curve | null} */
  let drawn = null;
  const smoothing = new Smoothing({ picture: "mini-batch-cost", unit: "costs", fallback: 1, changed: () => drawn && draw(drawn) });
  const figure = new Figure({
    name: "mini-batch-cost",
    title: "Cost of each mini-batch",
    hint: "The cost of each mini-batch, and its average. Noise is normal; a steady rise or wild swings mean the learning rate is too high.",
    controls: [smoothing.node],
    height: 320,
  });
  /** @param {Curve} curve */
  function draw(curve) {
    drawn = curve;
    const { step: steps, cost: costs } = curve.costs;
    figure.node.hidden = !steps.length && Boolean(view.trial().ended);
    if (!steps.length) {
      figure.blank("Waiting for the first costs.");
      return;
    }
    const smooth = averaged(costs, smoothing.beta);
    figure.show(
      {
        summary: `Cost over ${count(steps.at(-1))} steps, now ${number(smooth.at(-1))}`,
        x: { scale: linear(steps[0] ?? 0, steps.at(-1) ?? 1), title: "step" },
        y: { scale: fitted(costs), title: "cost" },
        layers: [
          line({ x: steps, y: costs, colour: colour("--faint"), width: 1 }),
          line({ x: steps, y: smooth, colour: colour("--data-1"), width: 2, describe: (index) => ({ title: `Step ${count(steps[index])}`, rows: [["cost", number(costs[index])], ["average", number(smooth[index])]] }) }),
        ],
      },
      () => ({ names: ["step", "cost", "average"], rows: steps.map((step, index) => [step, costs[index], smooth[index]]) }),
      notes(steps),
    );
  }
  return { node: figure.node, draw };
}

/** @param {number[]} steps */
function notes(steps) {
  const [first = 1, last = first] = [steps[0], steps.at(-1)];
  const late = first > 1 ? `From step ${count(first)} on: mini-batch costs are recorded after the first half second of training. ` : "";
  const spread = steps.length < last - first + 1 ? `An even spread of ${count(steps.length)} costs is drawn and averaged.` : "";
  return late + spread;
}
