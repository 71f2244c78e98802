/** Learning curves of the leading trials against the rest; a stopped trial ends where it was stopped. */

import { call, withQuery } from "../core/api.js";
import { count, label } from "../core/format.js";
import { colour, faded } from "../core/theme.js";
import { line } from "../charts/layers.js";
import { fitted, linear, robustTop } from "../charts/scales.js";
import { measured, objectiveMetric } from "../core/search-math.js";
import { Figure } from "../components/figure.js";
import { choose } from "../components/parts.js";
import { measuredAxis } from "./measured-axis.js";

const METRICS = ["dev_error", "train_error", "dev_cost", "train_cost"];
const LEADING = 10;
const OTHERS = 150;

/** @param {SearchView} view */
export function picture(view) {
  const { context } = view;
  const chosen = () => context.query.get("metric") ?? objectiveMetric(view.search());
  const control = choose("Metric", [...new Set([objectiveMetric(view.search()), ...METRICS])].map((name) => [name, label(name)]), chosen(), (metric) => {
    context.setQuery({ metric });
    void update().catch((error) => figure.fail(error));
  });
  control.classList.add("small");
  const figure = new Figure({
    name: "learning-curves",
    title: "Learning curves",
    hint: "The best in orange, the next best in blue, others faint; a cross marks an early stop. If good trials are still improving at the end, train for more epochs.",
    controls: [control],
    height: 330,
  });
  async function update() {
    const search = view.search();
    /** @type {{items: Api["TrialCurve"][], total: number}} */
    const { items, total } = await call(withQuery(`/searches/${search.id}/curves`, { metric: chosen(), leading: LEADING, others: OTHERS }), { signal: view.signal });
    if (!items.some(({ epoch }) => epoch.length)) {
      figure.blank("No curves yet. The first appears after one epoch.");
      return;
    }
    const all = items.flatMap(({ values }) => values);
    const top = robustTop(all);
    const longest = Math.max(2, ...items.map(({ epoch }) => epoch.at(-1) ?? 1));
    const ordered = [...items].reverse();
    const best = items.find(({ leading }) => leading);
    figure.show(
      {
        summary: `${label(chosen())} of ${items.length} trials over ${longest} epochs`,
        x: { scale: linear(1, longest, { integers: true }), title: "epoch" },
        y: measuredAxis(search, chosen(), fitted(all.map((value) => (value !== null && value > top ? null : value)))),
        layers: ordered.map((curve) =>
          line({
            x: curve.epoch,
            y: curve.values,
            colour: curve === best ? colour("--best") : curve.leading ? faded(colour("--data-1"), 0.85) : faded(colour("--faint"), 0.55),
            width: curve === best ? 2.5 : curve.leading ? 1.5 : 1,
            ...(curve.state === "stopped" || curve.state === "diverged" ? { end: "cross" } : {}),
            describe: (index) => ({ title: `Trial ${curve.number}, ${curve.state}`, rows: [[`epoch ${curve.epoch[index]}`, measured(search, chosen(), curve.values[index])]], open: `/trials/${curve.trial}` }),
          }),
        ),
      },
      () => ({ names: ["trial", "state", "epoch", chosen()], rows: items.flatMap((curve) => curve.epoch.map((epoch, index) => [curve.number, curve.state, epoch, curve.values[index]])) }),
      items.length < total ? `The best ${LEADING} and ${count(items.length - LEADING)} others of ${count(total)}.` : "",
    );
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
