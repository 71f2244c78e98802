/** A trial's curve and its branches: as many epochs as a picture shows, the best point, the past shared with parents. */

import { call, withQuery } from "./api.js";

/** @typedef {{epoch: number[], values: (number | null)[]}} Line */

/**
 * Read a curve: of very many epochs those alone that a screen can show apart, lowest and highest of each pixel.
 * @param {string} trial
 * @param {AbortSignal} signal
 * @param {{whole: boolean}} options whole: every epoch
 * @returns {Promise<Curve>}
 */
export function readCurve(trial, signal, { whole }) {
  const points = Math.min(100_000, Math.max(1000, Math.ceil(2 * window.innerWidth * (window.devicePixelRatio || 1))));
  return call(withQuery(`/trials/${trial}/curve`, { points: whole ? null : points }), { signal });
}

/**
 * How many epochs of a curve were left out.
 * @param {Curve} curve
 */
export function leftOut({ branches, total }) {
  return total - branches.reduce((sum, { epoch }) => sum + epoch.length, 0);
}

/**
 * @param {Branch} branch
 * @param {string} metric
 * @param {boolean} smallest whether less is better
 * @returns {{epoch: number, value: number} | null}
 */
export function bestOf(branch, metric, smallest) {
  /** @type {{epoch: number, value: number} | null} */
  let best = null;
  valuesOf(branch, metric).forEach((value, index) => {
    if (value === null || !Number.isFinite(value)) return;
    if (!best || (smallest ? value < best.value : value > best.value)) best = { epoch: branch.epoch[index] ?? 0, value };
  });
  return best;
}

/**
 * A branch from the first epoch on: what it shares with the branch it left comes from there.
 * @param {Curve} curve
 * @param {Branch | undefined} branch
 * @param {string} metric
 * @returns {Line}
 */
export function withPast(curve, branch, metric) {
  if (!branch) return { epoch: [], values: [] };
  const values = valuesOf(branch, metric);
  const parent = branch.parent === null ? undefined : curve.branches.find((each) => each.branch === branch.parent);
  const past = withPast(curve, parent, metric);
  const shared = past.epoch.filter((epoch) => epoch <= (branch.from_epoch ?? 0)).length;
  return { epoch: [...past.epoch.slice(0, shared), ...branch.epoch], values: [...past.values.slice(0, shared), ...values] };
}

/**
 * @param {Branch} branch
 * @param {string} metric
 */
function valuesOf(branch, metric) {
  return /** @type {(number | null)[]} */ (branch[metric] ?? []);
}
