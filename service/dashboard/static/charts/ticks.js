/** The ticks of axes: round numbers, powers of ten, distances to 1, moments. */

import { number, power } from "../core/format.js";

/** @typedef {{value: number, label: string, minor?: boolean}} Tick */

/**
 * Round steps of 1, 2 or 5 times a power of ten.
 * @param {number} low
 * @param {number} high
 * @param {number} room
 * @param {boolean} [integers]
 */
export function roundTicks(low, high, room, integers = false) {
  const rough = (high - low) / Math.max(1, room);
  const base = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * base).find((candidate) => candidate >= rough * 0.999) ?? base;
  const used = integers ? Math.max(1, Math.round(step)) : step;
  const ticks = [];
  for (let index = Math.ceil(low / used - 1e-9); index * used <= high + used * 1e-9; index += 1) {
    const value = Number((index * used).toPrecision(12));
    ticks.push({ value, label: number(value, 6) });
  }
  return ticks;
}

/** @param {number} exponent */
const powerLabel = (exponent) => (exponent >= -4 && exponent <= 4 ? number(10 ** exponent) : power(exponent));

/**
 * Ticks at powers of ten, with 2..9 between them; over less than two decades some of these are named too.
 * @param {number} low
 * @param {number} high
 * @param {number} room
 * @returns {Tick[]}
 */
export function logTicks(low, high, room) {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return roundTicks(low, high, room);
  const named = decades < 1.3 ? [1, 2, 3, 5, 7] : decades < 2.6 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / Math.max(2, room)));
  const ticks = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent += 1) {
    for (let factor = 1; factor <= 9; factor += 1) {
      const value = Number(`${factor}e${exponent}`);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      const major = named.includes(factor) && (named.length > 1 || exponent % every === 0);
      if (!major && decades > 7) continue;
      ticks.push({ value, minor: !major, label: major ? (factor === 1 ? powerLabel(exponent) : number(value)) : "" });
    }
  }
  return ticks;
}

/**
 * Ticks of the distance to 1 as ticks of the value: .1 becomes .9.
 * @param {Tick[]} ticks
 */
export function mirrored(ticks) {
  return ticks.map((tick) => ({ ...tick, value: 1 - tick.value, label: tick.label && nines(1 - tick.value) })).reverse();
}

/**
 * A value near 1 without rounding it to 1: .9, .99, .9995.
 * @param {number} value
 */
export function nines(value) {
  if (!(value < 1) || value < 0.5) return number(value);
  const rest = Number((1 - value).toPrecision(3));
  return String(Number((1 - rest).toFixed(12))).replace(/^0/, "");
}

const SECOND = 1000;
const STEPS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 2592000].map((seconds) => seconds * SECOND);

/**
 * Moments that a clock shows, in the reader's own time zone.
 * @param {number} low milliseconds
 * @param {number} high
 * @param {number} room
 * @returns {Tick[]}
 */
export function timeTicks(low, high, room) {
  const offset = new Date(low).getTimezoneOffset() * 60 * SECOND;
  const long = high - low > 36 * 3600 * SECOND;
  const short = high - low < 5 * 60 * SECOND;
  const shape = new Intl.DateTimeFormat(undefined, long ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", ...(short ? { second: "2-digit" } : {}) });
  const step = STEPS.find((candidate) => candidate >= (high - low) / Math.max(1, room)) ?? 2592000 * SECOND;
  const ticks = [];
  for (let at = Math.ceil((low - offset) / step) * step + offset; at <= high; at += step) ticks.push({ value: at, label: shape.format(at) });
  return ticks;
}
