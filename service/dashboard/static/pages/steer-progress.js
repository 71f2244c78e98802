/** How far a command has come, estimated from the speed of training and the checkpoints of the trial. */

import { duration } from "../core/format.js";

const AT_ONCE = 1.5; // seconds in which a command is usually taken
const SHORTEST = 1; // seconds of retraining worth a word

/** @typedef {{secondsPerEpoch: number | null, checkpoints: {epoch: number, branch: number}[]}} Pace */

/**
 * @param {Trial} trial
 * @param {Curve | null} curve
 * @param {{epoch: number, branch: number}[]} checkpoints
 * @returns {Pace}
 */
export function trainingPace(trial, curve, checkpoints) {
  const seconds = /** @type {any} */ (curve?.branches.at(-1))?.seconds;
  const known = Array.isArray(seconds) ? seconds.filter((each) => Number.isFinite(each)).slice(-50) : [];
  const mean = known.length ? known.reduce((sum, each) => sum + each, 0) / known.length : null;
  const whole = trial.started && trial.epoch ? (Date.parse(trial.ended ?? new Date().toISOString()) - Date.parse(trial.started)) / 1000 / trial.epoch : null;
  return { secondsPerEpoch: mean ?? whole, checkpoints };
}

/**
 * Seconds until a rewind has trained back to its epoch; null where it takes no time or nothing is known.
 * @param {Pace} pace
 * @param {number} epoch
 */
export function rewindEstimate({ secondsPerEpoch, checkpoints }, epoch) {
  if (!secondsPerEpoch) return null;
  const before = Math.max(0, ...checkpoints.map((each) => each.epoch).filter((each) => each <= epoch));
  const seconds = (epoch - before) * secondsPerEpoch;
  return seconds < SHORTEST ? null : seconds;
}

/**
 * What a command that waits is doing: sent, taken, training back to epoch 7: about 40 %.
 * @param {Command} command
 * @param {Pace} pace
 * @param {number} [now] milliseconds
 */
export function commandProgress(command, pace, now = Date.now()) {
  const { at = "now" } = command.when;
  if (at !== "now") return `waiting for ${at.replace("_", " ").replace(":", " ")}`;
  const waited = (now - Date.parse(command.created)) / 1000;
  if (waited < AT_ONCE) return "sent";
  const epoch = Number(/** @type {any} */ (command.arguments).epoch);
  if (command.kind !== "rewind" || !Number.isFinite(epoch)) return "taken by the agent";
  const needed = rewindEstimate(pace, epoch);
  if (needed === null) return `going back to epoch ${epoch}`;
  const left = Math.max(0, needed - (waited - AT_ONCE));
  const share = Math.min(99, Math.round((100 * (waited - AT_ONCE)) / needed));
  return `training back to epoch ${epoch}: about ${share} %${left > 1 ? `, ${duration(left)} left` : ""}`;
}
