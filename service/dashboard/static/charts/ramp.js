/** From worst to best by colour: the same few colours everywhere, by rank rather than by value, so that one wild trial does not use up the range. */

import { colour } from "../core/theme.js";

const STEPS = ["--ramp-0", "--ramp-1", "--ramp-2", "--ramp-3"];

/** @param {string} rgb */
function parts(rgb) {
  return (rgb.match(/[\d.]+/g) ?? ["0", "0", "0"]).slice(0, 3).map(Number);
}

/**
 * @param {number} share 0 is worst, 1 best
 * @param {number} [alpha]
 */
export function rampColour(share, alpha = 1) {
  const place = Math.max(0, Math.min(0.9999, share)) * (STEPS.length - 1);
  const index = Math.floor(place);
  const from = parts(colour(STEPS[index] ?? "--ramp-0"));
  const to = parts(colour(STEPS[index + 1] ?? "--ramp-3"));
  const mixed = from.map((value, channel) => Math.round(value + ((to[channel] ?? 0) - value) * (place - index)));
  return `rgba(${mixed.join(", ")}, ${alpha})`;
}

/**
 * The rank of each value as a share: 1 is best, 0 is worst or unknown.
 * @param {(number | null)[]} values
 * @param {boolean} minimize
 */
export function ranks(values, minimize) {
  const order = values.map((_, index) => index).filter((index) => values[index] !== null);
  order.sort((a, b) => (Number(values[a]) - Number(values[b])) * (minimize ? 1 : -1));
  const shares = new Float32Array(values.length);
  order.forEach((index, rank) => {
    shares[index] = order.length > 1 ? 1 - rank / (order.length - 1) : 1;
  });
  return shares;
}
