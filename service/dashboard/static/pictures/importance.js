/** Importance: how much of the spread of the objective each parameter explains. */

import { call } from "../core/api.js";
import { label, number } from "../core/format.js";
import { colour } from "../core/theme.js";
import { rectangles, words } from "../charts/layers.js";
import { category, linear } from "../charts/scales.js";
import { Figure } from "../components/figure.js";

/** @param {SearchView} view */
export function picture(view) {
  const figure = new Figure({
    name: "importance",
    title: "Importance",
    hint: "How much of the variation between trials each parameter explains. Search the long bars further; fix the short ones.",
    height: 330,
  });
  async function update() {
    const found = await call(`/searches/${view.search().id}/importance`, { signal: view.signal });
    /** @type {{parameter: string, importance: number}[]} */
    const items = [...found.items].sort((a, b) => b.importance - a.importance);
    if (!items.length) {
      figure.blank(found.reason ?? "More finished trials are needed.");
      return;
    }
    const scale = category(items.map(({ parameter }) => label(parameter)).reverse());
    const longest = items[0]?.importance || 1;
    figure.show(
      {
        summary: `Most important: ${items.slice(0, 3).map(({ parameter, importance }) => `${label(parameter)} ${number(importance * 100, 2)} %`).join(", ")}`,
        x: { scale: linear(0, longest * 1.22), hidden: true },
        y: { scale },
        layers: [
          rectangles({
            count: items.length,
            fill: () => colour("--data-1"),
            box: (index, frame) => {
              const y = frame.y(label(items[index]?.parameter ?? ""));
              const half = Math.min(11, frame.height / items.length / 2.6);
              return { x0: frame.left, x1: Math.max(frame.left + 1, frame.x(items[index]?.importance ?? 0)), y0: y - half, y1: y + half };
            },
          }),
          words((frame) => items.map(({ parameter, importance }) => ({ text: `${number(importance * 100, 2)} %`, x: frame.x(importance) + 7, y: frame.y(label(parameter)) })), colour("--muted")),
        ],
      },
      () => ({ names: ["parameter", "importance"], rows: items.map(({ parameter, importance }) => [parameter, importance]) }),
      found.note ?? "",
    );
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
