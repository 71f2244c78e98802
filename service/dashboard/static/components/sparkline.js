/** A line of best-so-far as small as a word. */

import { svg } from "../core/dom.js";

const WIDTH = 96;
const HEIGHT = 24;

/**
 * @param {(number | null)[]} values
 * @param {string} title
 */
export function sparkline(values, title) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return svg("svg", { class: "spark", width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
  const use = known.every((value) => value > 0) ? known.map(Math.log) : known;
  const low = Math.min(...use);
  const high = Math.max(...use);
  const height = high - low || 1;
  const place = (/** @type {number} */ value, /** @type {number} */ index) => [(index / (use.length - 1)) * (WIDTH - 6) + 2, 3 + (1 - (value - low) / height) * (HEIGHT - 6)];
  let path = "";
  let lastY = 0;
  use.forEach((value, index) => {
    const [x = 0, y = 0] = place(value, index);
    path += index ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `M${x.toFixed(1)} ${y.toFixed(1)}`;
    lastY = y;
  });
  return svg(
    "svg",
    { class: "spark", width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title },
    svg("path", { d: path }),
    svg("circle", { cx: WIDTH - 4, cy: lastY.toFixed(1), r: 2.2 }),
  );
}
