/** The Pareto front: trials by two objectives, those that no other one beats in orange, as a picture and as a table. */

import { count, label, text } from "../core/format.js";
import { h } from "../core/dom.js";
import { measured, parameterNames } from "../core/search-math.js";
import { colour } from "../core/theme.js";
import { fitted, robustTop } from "../charts/scales.js";
import { line, points } from "../charts/layers.js";
import { Figure } from "../components/figure.js";
import { readFront } from "./front-data.js";
import { measuredAxis } from "./measured-axis.js";

const ROWS = 12;

/** @param {SearchView} view */
export function picture(view) {
  const figure = new Figure({
    name: "front",
    title: "Pareto front",
    hint: "Each point is a trial. No other trial beats an orange one in all objectives: along the front, you pay for one objective with another.",
    height: 330,
  });
  const table = h("div", { class: "scroll" });
  figure.node.append(table);
  async function update() {
    const front = await readFront(view, figure);
    table.replaceChildren(...(front ? [sheet(view.search(), front)] : []));
    if (front) draw(figure, view.search(), front);
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}

/**
 * @param {Figure} figure
 * @param {Search} search
 * @param {Api["Front"]} front
 */
function draw(figure, search, front) {
  const [first, second] = front.objectives;
  const [x = [], y = []] = front.values;
  const titles = [label(first?.metric ?? ""), label(second?.metric ?? "")];
  /** @type {(trial: number | undefined, values: (number | null | undefined)[]) => any} */
  const note = (trial, values) => ({
    title: `Trial ${trial}`,
    rows: /** @type {[string, string][]} */ (front.objectives.map(({ metric }, index) => [label(metric), measured(search, metric, values[index])])),
    open: `/trials/${search.id}.${trial}`,
  });
  /** @param {(number | null)[]} values */
  const shown = (values) => {
    const top = robustTop(values);
    return fitted(values.map((each) => (each !== null && each > top ? null : each)));
  };
  const best = front.items.map(({ values }) => values);
  figure.show(
    {
      summary: `${count(front.items.length)} of ${count(front.number.length)} trials are on the front of ${titles.join(" and ")}`,
      x: measuredAxis(search, first?.metric ?? "", shown(x)),
      y: measuredAxis(search, second?.metric ?? "", shown(y)),
      layers: [
        points({ x, y, colour: colour("--faint"), size: 3, describe: (/** @type {number} */ index) => note(front.number[index], front.values.map((column) => column[index])) }),
        line({ x: best.map((values) => values[0] ?? NaN), y: best.map((values) => values[1] ?? NaN), colour: colour("--best"), width: 1.5, step: front.objectives.length === 2 }),
        points({ x: best.map((values) => values[0] ?? NaN), y: best.map((values) => values[1] ?? NaN), colour: colour("--best"), size: 4, describe: (/** @type {number} */ index) => note(front.items[index]?.number, front.items[index]?.values ?? []) }),
      ],
    },
    () => ({ names: ["trial", ...front.objectives.map(({ metric }) => metric)], rows: front.items.map(({ number: trial, values }) => [trial, ...values]) }),
    front.objectives.length > 2 ? "The first two objectives are drawn; the table has all." : "",
  );
}

/**
 * @param {Search} search
 * @param {Api["Front"]} front
 */
function sheet(search, front) {
  const names = parameterNames(search.spec);
  const head = h("tr", null, ["Trial", ...front.objectives.map(({ metric }) => label(metric)), ...names.map(label)].map((title) => h("th", null, title)));
  const rows = front.items.slice(0, ROWS).map(({ trial, number: one, values, params }) =>
    h("tr", null, h("td", null, h("a", { href: `/trials/${trial}` }, String(one))), values.map((value, at) => h("td", { class: "number" }, measured(search, front.objectives[at]?.metric ?? "", value))), names.map((name) => h("td", null, text(/** @type {any} */ (params)[name])))));
  const more = front.items.length > ROWS ? h("p", { class: "muted" }, `${count(front.items.length - ROWS)} more: caviar front ${search.id}`) : null;
  return h("div", null, h("table", null, h("thead", null, head), h("tbody", null, rows)), more);
}
