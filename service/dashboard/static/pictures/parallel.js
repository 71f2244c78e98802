/** Parallel coordinates of a search, with brushes kept in the address. */

import { fill, h } from "../core/dom.js";
import { count, label, text } from "../core/format.js";
import { objectiveMetric, objectiveName, objectiveValue, parameterNames } from "../core/search-math.js";
import { go } from "../core/router.js";
import { ParallelChart } from "../charts/parallel.js";
import { fitted, robustTop, scaleOf } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { asideNote } from "./aside.js";
import { sampleSheet } from "./sample.js";
import { measuredAxis } from "./measured-axis.js";

/** @param {string | null} query such as learning_rate:0.2-0.5,l2:0-0.3 in unit coordinates */
function readBrushes(query) {
  /** @type {Map<string, [number, number]>} */
  const brushes = new Map();
  for (const part of (query ?? "").split(",")) {
    const match = /^(.+):([\d.]+)-([\d.]+)$/.exec(part);
    if (match) brushes.set(match[1] ?? "", [Number(match[2]), Number(match[3])]);
  }
  return brushes;
}

/** @param {Map<string, [number, number]>} brushes */
function writeBrushes(brushes) {
  return [...brushes].map(([name, [low, high]]) => `${name}:${low.toFixed(3)}-${high.toFixed(3)}`).join(",") || null;
}

/** @param {SearchView} view */
export function picture(view) {
  const said = h("span", { class: "note" });
  const clear = h("button", { type: "button", class: "small", hidden: true }, "Clear brushes");
  const chart = new ParallelChart({
    height: 340,
    open: (address) => go(address),
    brushed: (brushes) => {
      view.context.setQuery({ brush: writeBrushes(brushes) });
      sayBrushed();
    },
  });
  chart.brushes = readBrushes(view.context.query.get("brush"));
  const figure = new Figure({
    name: "parallel",
    title: "Parallel coordinates",
    hint: "Each line is a trial; good trials are darker, the best is orange, those that do not count are grey. Drag along an axis to select trials; click the axis to clear. A parameter where good lines converge matters.",
    wide: true,
    controls: [clear, said],
    canvas: chart,
  });
  clear.addEventListener("click", () => {
    chart.brushes.clear();
    chart.brushed(chart.brushes);
    chart.request();
  });
  /** @type {import("./sample.js").Sample | null} */
  let latest = null;

  function sayBrushed() {
    clear.hidden = chart.brushes.size === 0;
    if (!latest || !chart.brushes.size) {
      fill(said);
      return;
    }
    const inside = chart.inside();
    const kept = latest.numbers.map((_, index) => index).filter((index) => inside[index]);
    kept.sort((a, b) => Number(latest?.ranks[b]) - Number(latest?.ranks[a]));
    const best = kept[0];
    fill(said, `${count(kept.length)} inside`, best === undefined ? "" : h("span", null, ", best ", h("a", { href: `/trials/${view.search().id}.${latest.numbers[best]}` }, objectiveValue(view.search(), latest.values[best]))));
  }

  /** @param {import("./sample.js").Sample} sample */
  function draw(sample) {
    const search = view.search();
    latest = sample;
    const top = robustTop(sample.values);
    const axes = parameterNames(search.spec).map((name) => ({ name, title: label(name), scale: scaleOf(search.spec.space[name] ?? {}), values: sample.params[name] ?? [] }));
    const aside = new Map(sample.aside.map((one) => [one.index, one]));
    const values = sample.values.map((value, index) => value ?? aside.get(index)?.value ?? null);
    axes.push({ name: "value", ...measuredAxis(search, objectiveMetric(search), fitted(values.map((value) => (value !== null && value > top ? null : value)))), values });
    chart.set({
      axes,
      ranks: sample.ranks,
      aside,
      summary: `${count(sample.numbers.length)} trials over ${axes.length - 1} parameters`,
      describe: (index) => {
        const point = parameterNames(search.spec).map((name) => /** @type {[string, string]} */ ([label(name), text(sample.params[name]?.[index])]));
        if (aside.has(index)) {
          const note = asideNote(search, sample.numbers[index], aside.get(index));
          return { ...note, rows: [...note.rows, ...point] };
        }
        return {
          title: `Trial ${sample.numbers[index]}`,
          rows: [[objectiveName(search), objectiveValue(search, sample.values[index])], ...point],
          open: `/trials/${search.id}.${sample.numbers[index]}`,
        };
      },
    });
    figure.ready(() => sampleSheet(sample), sample.note);
    sayBrushed();
  }
  return { node: figure.node, draw, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
