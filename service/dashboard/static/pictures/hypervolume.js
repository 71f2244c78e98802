/** The hypervolume over trials: how much of the space of objectives is dominated by what was found so far. */

import { count, label, number } from "../core/format.js";
import { measured } from "../core/search-math.js";
import { colour } from "../core/theme.js";
import { fitted, linear } from "../charts/scales.js";
import { line } from "../charts/layers.js";
import { Figure } from "../components/figure.js";
import { readFront } from "./front-data.js";

/** @param {SearchView} view */
export function picture(view) {
  const figure = new Figure({
    name: "hypervolume",
    title: "Hypervolume",
    hint: "How much of the space between the front and the reference point is dominated, after each trial. Where it is flat, more trials of this kind do not widen the front.",
    height: 330,
  });
  async function update() {
    const front = await readFront(view, figure);
    if (!front) return;
    const volumes = front.hypervolume;
    figure.show(
      {
        summary: `Hypervolume after ${count(volumes.length)} trials: ${number(volumes.at(-1))}`,
        x: { scale: linear(0, Math.max(2, ...front.number.slice(-1)), { integers: true }), title: "trial" },
        y: { scale: fitted(volumes), title: "hypervolume" },
        layers: [line({ x: front.number, y: volumes, colour: colour("--best"), width: 2, step: true })],
      },
      () => ({ names: ["trial", "hypervolume"], rows: front.number.map((trial, index) => [trial, volumes[index] ?? null]) }),
      `Reference: ${front.objectives.map(({ metric, reference }) => `${label(metric)} ${measured(view.search(), metric, reference)}`).join(", ")}.`,
    );
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
