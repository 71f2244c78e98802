/** Exponentially weighted averages of curves, and the betas that a slider gives. */

import { withPast } from "./branches.js";

/**
 * v = beta v + (1 - beta) theta, and v / (1 - beta^t) corrects for its start; a value that is not finite is left out.
 * @param {(number | null)[]} values
 * @param {number} beta in [0, 1); 0 gives the values themselves
 */
export function averaged(values, beta) {
  let average = 0;
  let weight = 1;
  return values.map((value) => {
    if (value === null || value === undefined) return null;
    average = beta * average + (1 - beta) * value;
    weight *= beta;
    return average / (1 - weight);
  });
}

/**
 * The averages of a branch's own epochs; they begin with the first epoch of the trial, as the weights do.
 * @param {Curve} curve
 * @param {Branch} branch
 * @param {string} metric
 * @param {number} beta
 */
export function averagedBranch(curve, branch, metric, beta) {
  const { values } = withPast(curve, branch, metric);
  return averaged(values, beta).slice(values.length - branch.epoch.length);
}

/**
 * Beta by the place of a slider: 1 - beta is on a log scale, so that .9 and .99 are as far apart as 0 and .9.
 * @param {number} place log10 of how many values the average remembers
 */
export function betaAt(place) {
  return 1 - 10 ** -place;
}
