/** Numbers, durations and times as people read them. */

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** @param {number} exponent */
export function power(exponent) {
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/**
 * A number with so many significant digits, without needless zeros: 0.0148, 1,024, 2.3e-6, 0.9991.
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function number(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e6 || size < 1e-4) return value.toExponential(Math.max(0, digits - 2)).replace(/\.?0+e/, "e").replace("e+", "e");
  if (Number.isInteger(value)) return whole.format(value);
  if (value < 1 && value > 0.99) return String(Number((1 - Number((1 - value).toPrecision(digits - 1))).toFixed(12))); // 0.99912: digits count from the distance to 1
  return String(Number(value.toPrecision(digits)));
}

/**
 * Any value of a parameter or setting.
 * @param {unknown} value
 * @returns {string}
 */
export function text(value) {
  if (typeof value === "number") return number(value);
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.map(text).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/**
 * @param {number | null | undefined} share
 * @param {number} [digits]
 */
export function percent(share, digits = 3) {
  return share === null || share === undefined ? "–" : `${number(100 * share, digits)} %`;
}

/** @param {number | null | undefined} value */
export function count(value) {
  return value === null || value === undefined ? "–" : whole.format(value);
}

/**
 * A duration: 340 ms, 4.2 s, 3 min 20 s, 5 h 12 min, 3 d 4 h.
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, "min", Math.floor(seconds % 60), "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return pair(hours, "h", minutes % 60, "min");
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

/**
 * @param {number} first
 * @param {string} unit
 * @param {number} second
 * @param {string} smaller
 */
function pair(first, unit, second, smaller) {
  return second ? `${first} ${unit} ${second} ${smaller}` : `${first} ${unit}`;
}

/** @param {string} time ISO 8601 */
export function moment(time) {
  return clock.format(new Date(time));
}

/**
 * How long ago, in the coarsest sensible unit.
 * @param {string} time ISO 8601
 * @param {number} [now] milliseconds
 */
export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} days ago`;
}

/**
 * Words of the server with a full stop at their end.
 * @param {string} words
 */
export function stopped(words) {
  return words && !/[.!?:]$/.test(words) ? `${words}.` : words;
}

/**
 * Words of the server as a sentence: a capital to begin with, a full stop at the end.
 * @param {string} words
 */
export function sentence(words) {
  return words && words[0]?.toUpperCase() + stopped(words.slice(1));
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(0)} kB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

/**
 * The name of a parameter or metric in words: learning_rate, params.l2, metrics.dev_error.
 * @param {string} name
 */
export function label(name) {
  return name.replace(/^(params|metrics)\./, "").replaceAll("_", " ");
}

/** The server describes so many classes of an uploaded set, however many there are. */
const MOST_CLASSES = 100;

/** @param {unknown[]} classes */
export function classCount(classes) {
  return classes.length === MOST_CLASSES ? `${MOST_CLASSES} or more` : count(classes.length);
}
