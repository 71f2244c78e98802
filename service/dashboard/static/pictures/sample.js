/** The trials that pictures of the space draw: all of them, or where there are very many, the best and an even spread of the rest. */

import { call, withQuery } from "../core/api.js";
import { count } from "../core/format.js";
import { minimizes, parameterNames } from "../core/search-math.js";
import { ranks } from "../charts/ramp.js";

export const POINTS = 5000;

/** @typedef {{index: number, value: number, why: string}[]} Aside by place in the sample */
/**
 * @typedef {object} Sample
 * @property {number} total of the search
 * @property {number[]} numbers
 * @property {(number | null)[]} values
 * @property {(string)[]} states
 * @property {Record<string, (Value)[]>} params
 * @property {Record<string, (number | null)[]>} metrics
 * @property {(number | null)[]} rounds
 * @property {Float32Array} ranks 1 is best
 * @property {Aside} aside values that do not count
 * @property {string} note what was left out, to be said on screen
 */

/**
 * @param {Search} search
 * @param {AbortSignal} signal
 * @returns {Promise<Sample>}
 */
export async function loadSample(search, signal) {
  const names = parameterNames(search.spec);
  const fields = ["number", "value", "state", "round", "metrics.train_error", "metrics.dev_error", "withheld", "broken", "excluded", ...names.map((name) => `params.${name}`)];
  /** @type {Api["TrialColumns"]} */
  const found = await call(withQuery(`/searches/${search.id}/columns`, { fields: fields.join(","), points: POINTS }), { signal });
  const { columns, total } = found;
  const values = /** @type {(number | null)[]} */ (columns.value ?? []);
  const numbers = /** @type {number[]} */ (columns.number ?? []);
  return {
    total,
    numbers,
    values,
    states: /** @type {string[]} */ (columns.state ?? []),
    rounds: /** @type {(number | null)[]} */ (columns.round ?? []),
    params: Object.fromEntries(names.map((name) => [name, /** @type {Value[]} */ (columns[`params.${name}`] ?? [])])),
    metrics: { train_error: /** @type {(number | null)[]} */ (columns["metrics.train_error"] ?? []), dev_error: /** @type {(number | null)[]} */ (columns["metrics.dev_error"] ?? []) },
    ranks: ranks(values, minimizes(search)),
    aside: asideOf(columns),
    note: numbers.length < total ? `${count(numbers.length)} of ${count(total)} trials drawn: the best and an even sample of the rest. The CSV contains what is drawn.` : "",
  };
}

/**
 * @param {Api["TrialColumns"]["columns"]} columns
 * @returns {Aside}
 */
function asideOf({ withheld = [], broken = [], excluded = [] }) {
  return withheld.flatMap((value, index) => (value === null ? [] : [{ index, value: Number(value), why: excluded[index] ? `excluded: ${excluded[index]}` : String(broken[index]) }]));
}

/**
 * All of a sample as a sheet.
 * @param {Sample} sample
 * @param {string[]} [names] parameters, all when left out
 */
export function sampleSheet(sample, names = Object.keys(sample.params)) {
  return {
    names: ["trial", "state", "value", ...names],
    rows: sample.numbers.map((number, index) => [number, sample.states[index], sample.values[index], ...names.map((name) => sample.params[name]?.[index])]),
  };
}
