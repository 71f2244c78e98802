/** Bias and variance of every trial: train error against dev error, with the base error and the regions named. */

import { apart, measured } from "../core/search-math.js";
import { colour, faded } from "../core/theme.js";
import { line, points, rule, words } from "../charts/layers.js";
import { linear } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { measuredAxis } from "./measured-axis.js";

/** @param {SearchView} view */
export function picture(view) {
  const figure = new Figure({
    name: "bias-variance",
    title: "Bias and variance",
    hint: "Far to the right is bias: the network does not fit the training set (try a bigger network, longer training). Far above the diagonal is variance: it does not generalise (try more data, regularisation).",
    height: 330,
  });
  /** @param {import("./sample.js").Sample} sample */
  function draw(sample) {
    const { train_error: train = [], dev_error: dev = [] } = sample.metrics;
    const known = train.filter((value) => value !== null && value !== undefined);
    if (!known.length) {
      figure.blank("No trial has reported train and dev errors yet.");
      return;
    }
    const search = view.search();
    const base = Number(search.spec.base_error ?? 0);
    const top = Math.max(base * 2, quantile(train, 0.95), quantile(dev, 0.95)) * 1.05 || 1;
    const aside = new Set(sample.aside.map(({ index }) => index));
    figure.show(
      {
        summary: `Train and dev error of ${known.length} trials, base error ${measured(search, "dev_error", base)}`,
        x: measuredAxis(search, "train_error", linear(0, top)),
        y: measuredAxis(search, "dev_error", linear(0, top)),
        layers: [
          line({ x: [0, top], y: [0, top], colour: colour("--axis"), width: 1 }),
          line({ x: [base, (top + base) / 2], y: [base, top], colour: colour("--axis"), width: 1, dash: [3, 4] }),
          ...(base > 0 ? [rule({ at: base, colour: colour("--data-3"), label: "base error" }), rule({ at: base, across: /** @type {"x"} */ ("x"), colour: colour("--data-3") })] : []),
          points({
            x: train,
            y: dev,
            colour: (index) => aside.has(index) ? colour("--aside") : (Number(sample.ranks[index]) >= 0.95 ? colour("--best") : faded(colour("--data-1"), sample.numbers.length > 1000 ? 0.35 : 0.6)),
            size: 3,
            describe: (index) => ({
              title: `Trial ${sample.numbers[index]}`,
              rows: [["train error", measured(search, "train_error", train[index])], ["dev error", measured(search, "dev_error", dev[index])], ["avoidable bias", apart(search, "dev_error", Number(train[index]) - base)], ["variance", apart(search, "dev_error", Number(dev[index]) - Number(train[index]))]],
              open: `/trials/${search.id}.${sample.numbers[index]}`,
            }),
          }),
          words(
            (frame) => [
              { text: "mostly variance", x: frame.left + 10, y: frame.top + 12 },
              { text: "mostly bias", x: frame.left + frame.width * 0.8, y: frame.top + 12, align: "right" },
              { text: "dev = train", x: frame.left + frame.width - 6, y: frame.top + frame.height * 0.1 + 18, align: "right" },
            ],
            colour("--muted"),
          ),
        ],
      },
      () => ({ names: ["trial", "train_error", "dev_error"], rows: sample.numbers.map((each, index) => [each, train[index], dev[index]]) }),
      sample.note,
    );
  }
  return { node: figure.node, draw, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}

/**
 * @param {(number | null)[]} values
 * @param {number} share
 */
function quantile(values, share) {
  const sorted = values.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}
