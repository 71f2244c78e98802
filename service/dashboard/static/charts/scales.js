/**
 * Scales of axes: two inverse functions between values and the unit interval, and ticks people can read.
 * log spends equal widths on equal ratios; one-minus-log does so for the distance to 1, so .9, .99 and .999 are equally far apart.
 */

import { number } from "../core/format.js";
import { logTicks, mirrored, nines, roundTicks, timeTicks } from "./ticks.js";

/** @typedef {import("./ticks.js").Tick} Tick */
/**
 * @typedef {object} Scale
 * @property {string} kind
 * @property {number} low
 * @property {number} high
 * @property {(value: any) => number} toUnit NaN where the value has no place
 * @property {(unit: number) => any} fromUnit
 * @property {(room: number) => Tick[]} ticks about so many
 * @property {(low: number, high: number) => Scale} zoom the same scale between two unit coordinates
 * @property {(value: any) => string} format
 */

/**
 * @param {number} low
 * @param {number} high
 * @param {{integers?: boolean}} [options]
 * @returns {Scale}
 */
export function linear(low, high, { integers = false } = {}) {
  const [from, to] = high > low ? [low, high] : [low - 0.5, low + 0.5];
  const width = to - from;
  const fromUnit = (/** @type {number} */ unit) => from + unit * width;
  return {
    kind: "linear",
    low: from,
    high: to,
    toUnit: (value) => (value === null ? NaN : (value - from) / width),
    fromUnit,
    ticks: (room) => roundTicks(from, to, room, integers),
    zoom: (a, b) => linear(fromUnit(a), fromUnit(b), { integers }),
    format: (value) => number(value),
  };
}

/** Where exact zeros stand on a log axis that has them, and where its positive values begin. */
const ZERO_AT = 0.025;
const ZERO_END = 0.09;

/**
 * @param {number} low
 * @param {number} high
 * @param {{zero?: boolean}} [options] zero: keep a place for exact zeros left of the range
 * @returns {Scale}
 */
export function log(low, high, { zero = false } = {}) {
  const to = high > low ? high : low * 10;
  const start = Math.log(low);
  const width = Math.log(to) - start;
  const begin = zero ? ZERO_END : 0;
  const fromUnit = (/** @type {number} */ unit) => {
    if (zero && unit < (ZERO_AT + ZERO_END) / 2) return 0;
    return Math.exp(start + ((unit - begin) / (1 - begin)) * width);
  };
  return {
    kind: "log",
    low,
    high: to,
    toUnit: (value) => {
      if (value === 0 && zero) return ZERO_AT;
      return value > 0 ? begin + ((Math.log(value) - start) / width) * (1 - begin) : NaN;
    },
    fromUnit,
    ticks: (room) => [...(zero ? [{ value: 0, label: "0" }] : []), ...logTicks(low, to, room)],
    zoom: (a, b) => {
      const keepsZero = zero && a <= ZERO_AT;
      return log(Math.max(low * 1e-3, fromUnit(a) || low), fromUnit(b) || low * 1.5, { zero: keepsZero });
    },
    format: (value) => number(value),
  };
}

/**
 * @param {number} low
 * @param {number} high below 1
 * @returns {Scale}
 */
export function oneMinusLog(low, high) {
  const start = Math.log(1 - low);
  const width = Math.log(1 - high) - start;
  const fromUnit = (/** @type {number} */ unit) => 1 - Math.exp(start + unit * width);
  const decades = Math.log10((1 - low) / (1 - high));
  return {
    kind: "one_minus_log",
    low,
    high,
    toUnit: (value) => (value === null || value >= 1 ? NaN : (Math.log(1 - value) - start) / width),
    fromUnit,
    ticks: (room) => (decades < 0.5 ? roundTicks(low, high, room) : mirrored(logTicks(1 - high, 1 - low, room))),
    zoom: (a, b) => oneMinusLog(fromUnit(a), fromUnit(b)),
    format: (value) => nines(value),
  };
}

/**
 * One place for each of a list of choices.
 * @param {unknown[]} values
 * @returns {Scale}
 */
export function category(values) {
  const keys = values.map((value) => JSON.stringify(value));
  const places = new Map(keys.map((key, index) => [key, index]));
  const fromUnit = (/** @type {number} */ unit) => values[Math.min(values.length - 1, Math.max(0, Math.floor(unit * values.length)))];
  const name = (/** @type {unknown} */ value) => (Array.isArray(value) ? value.join("-") : String(value));
  return {
    kind: "category",
    low: 0,
    high: values.length,
    toUnit: (value) => {
      const place = places.get(typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? JSON.stringify(value) : JSON.stringify(value ?? null));
      return place === undefined ? NaN : (place + 0.5) / values.length;
    },
    fromUnit,
    ticks: () => values.map((value) => ({ value: /** @type {any} */ (value), label: name(value) })),
    zoom: (a, b) => category(values.slice(Math.floor(a * values.length), Math.max(Math.floor(a * values.length) + 1, Math.ceil(b * values.length)))),
    format: name,
  };
}

/**
 * Moments in milliseconds, labelled in the reader's own time zone.
 * @param {number} low
 * @param {number} high
 * @returns {Scale}
 */
export function time(low, high) {
  const to = high > low ? high : low + 1000;
  const base = linear(low, to);
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return {
    ...base,
    kind: "time",
    ticks: (room) => timeTicks(low, to, room),
    zoom: (a, b) => time(base.fromUnit(a), base.fromUnit(b)),
    format: (value) => full.format(value),
  };
}

/**
 * The same scale, whose ticks and values are written by a function.
 * @param {Scale} scale
 * @param {(value: any) => string} write
 * @returns {Scale}
 */
export function written(scale, write) {
  return {
    ...scale,
    ticks: (room) => scale.ticks(room).map((tick) => (tick.label ? { ...tick, label: write(tick.value) } : tick)),
    zoom: (a, b) => written(scale.zoom(a, b), write),
    format: write,
  };
}

/**
 * The scale of a parameter, as its definition in the space says.
 * @param {Definition} definition
 * @returns {Scale}
 */
export function scaleOf(definition) {
  const { choices, scale = "linear", low = 0, high = 1, type } = definition;
  if (choices) return category(choices);
  if (definition.value !== undefined) return category([definition.value]);
  if (scale === "log") return log(low, high, { zero: Boolean(definition.zero) });
  if (scale === "one_minus_log") return oneMinusLog(low, high);
  return linear(low, high, { integers: type === "int" });
}

/**
 * A scale for measured values: log where they span more than a decade (with a place for exact zeros), else linear with a little room.
 * @param {Iterable<number | null>} values
 * @returns {Scale}
 */
export function fitted(values) {
  let low = Infinity;
  let high = -Infinity;
  let least = Infinity; // above zero
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
    if (value > 0) least = Math.min(least, value);
  }
  if (low > high) return linear(0, 1);
  if (low >= 0 && high / least > 20) {
    const room = (high / least) ** 0.04;
    return log(least / room, high * room, { zero: low === 0 });
  }
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  return linear(low - room, high + room);
}

/**
 * Where the far tail of bad values begins, so that one wild trial does not flatten all others.
 * @param {(number | null)[]} values
 */
export function robustTop(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (known.length < 10) return Infinity;
  const middle = known[Math.floor(known.length / 2)] ?? 0;
  const ninety = known[Math.floor(known.length * 0.95)] ?? Infinity;
  return Math.max(ninety, middle + 6 * Math.abs(ninety - middle) * 0.5);
}
