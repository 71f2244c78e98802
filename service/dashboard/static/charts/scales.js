/**
 * Scales of axes: two inverse functions between values and the unit interval, and ticks people can read.
 * log spends equal widths on equal ratios; one-minus-log does so for the distance to 1, so .9, .99 and .999 are equally far apart.
 */

import { number, power } from "../core/format.js";

/** @typedef {{value: number, label: string, minor?: boolean}} Tick */
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
 * Round steps of 1, 2 or 5 times a power of ten.
 * @param {number} low
 * @param {number} high
 * @param {number} room
 * @param {boolean} [integers]
 */
function roundTicks(low, high, room, integers = false) {
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

/** @param {number} exponent */
const powerLabel = (exponent) => (exponent >= -4 && exponent <= 4 ? number(10 ** exponent) : power(exponent));

/**
 * Ticks at powers of ten, with 2..9 between them; over less than two decades some of these are named too.
 * @param {number} low
 * @param {number} high
 * @param {number} room
 * @returns {Tick[]}
 */
function logTicks(low, high, room) {
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
 * Ticks of the distance to 1 as ticks of the value: .1 becomes .9.
 * @param {Tick[]} ticks
 */
function mirrored(ticks) {
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

const SECOND = 1000;
const STEPS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 2592000].map((seconds) => seconds * SECOND);

/**
 * Moments in milliseconds, labelled in the reader's own time zone.
 * @param {number} low
 * @param {number} high
 * @returns {Scale}
 */
export function time(low, high) {
  const to = high > low ? high : low + SECOND;
  const base = linear(low, to);
  const offset = new Date(low).getTimezoneOffset() * 60 * SECOND;
  const long = to - low > 36 * 3600 * SECOND;
  const short = to - low < 5 * 60 * SECOND;
  const shape = new Intl.DateTimeFormat(undefined, long ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", ...(short ? { second: "2-digit" } : {}) });
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return {
    ...base,
    kind: "time",
    ticks: (room) => {
      const step = STEPS.find((candidate) => candidate >= (to - low) / Math.max(1, room)) ?? 2592000 * SECOND;
      const ticks = [];
      for (let at = Math.ceil((low - offset) / step) * step + offset; at <= to; at += step) ticks.push({ value: at, label: shape.format(at) });
      return ticks;
    },
    zoom: (a, b) => time(base.fromUnit(a), base.fromUnit(b)),
    format: (value) => full.format(value),
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
