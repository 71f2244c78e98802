/** Timeline: what each agent did when. Every trial is a bar, however many there are. */

import { call } from "../core/api.js";
import { h } from "../core/dom.js";
import { count, duration, moment } from "../core/format.js";
import { colour } from "../core/theme.js";
import { rectangles } from "../charts/layers.js";
import { category, time } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { makeLegend } from "../components/legend.js";

const COLOURS = /** @type {Record<string, string>} */ ({ completed: "--data-1", stopped: "--faint", diverged: "--data-3", failed: "--bad", running: "--best", paused: "--warn", cancelled: "--strong" });

/** @param {SearchView} view */
export function picture(view) {
  const legend = makeLegend();
  const figure = new Figure({
    name: "timeline",
    title: "Timeline",
    hint: "One row per agent, one bar per trial. Gaps are idle time; many short red bars are failures to look into. Drag to zoom in.",
    wide: true,
    height: 200,
    controls: [h("span", null, legend.node)],
  });
  async function update() {
    const search = view.search();
    /** @type {Api["Timeline"]} */
    const found = await call(`/searches/${search.id}/timeline`, { signal: view.signal });
    if (!found.number.length) {
      figure.blank("No trial has started yet.");
      return;
    }
    const origin = Date.parse(found.origin);
    const now = Date.now();
    const start = found.started.map((seconds) => origin + seconds * 1000);
    const end = found.ended.map((seconds) => (seconds === null ? now : origin + seconds * 1000));
    const last = end.reduce((latest, each) => Math.max(latest, each), 0);
    figure.chart.node.style.setProperty("height", `${Math.min(420, 70 + 26 * found.agents.length)}px`);
    const used = [...new Set(found.state)].map((index) => found.states[index] ?? "");
    legend.set(used.map((state) => [state, colour(COLOURS[state] ?? "--faint")]));
    const shades = found.states.map((state) => colour(COLOURS[state] ?? "--faint"));
    const rows = found.agents.map((name, index) => `${index + 1}  ${name.slice(0, 8)}`);
    figure.show(
      {
        summary: `${count(found.number.length)} trials on ${found.agents.length} agents`,
        x: { scale: time(Math.min(...start.slice(0, 1), origin), last) },
        y: { scale: category(rows) },
        layers: [
          rectangles({
            count: found.number.length,
            fill: (index) => shades[found.state[index] ?? 0] ?? "",
            box: (index, frame) => {
              const y = frame.y(rows[found.agent[index] ?? 0]);
              const half = Math.min(9, frame.height / rows.length / 2.5);
              const x0 = frame.x(start[index]);
              return { x0, x1: Math.max(x0 + 0.6, frame.x(end[index]) - 0.5), y0: y - half, y1: y + half };
            },
            describe: (index) => ({
              title: `Trial ${found.number[index]}, ${found.states[found.state[index] ?? 0]}`,
              rows: [["agent", found.agents[found.agent[index] ?? 0] ?? ""], ["started", moment(new Date(start[index] ?? 0).toISOString())], ["took", duration((Number(end[index]) - Number(start[index])) / 1000)]],
              open: `/trials/${search.id}.${found.number[index]}`,
            }),
          }),
        ],
      },
      () => ({ names: ["trial", "agent", "state", "started", "ended"], rows: found.number.map((number, index) => [number, found.agents[found.agent[index] ?? 0], found.states[found.state[index] ?? 0], new Date(start[index] ?? 0).toISOString(), found.ended[index] === null ? "" : new Date(end[index] ?? 0).toISOString()]) }),
    );
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
