/** What can be said of a search from its own record: share done, time left, direction, words for its best value. */

import { count, duration, label, number, percent } from "./format.js";

/** @param {Search} search */
export function share(search) {
  const { total } = search;
  if (total) return Math.min(1, search.finished / total);
  return search.state === "completed" ? 1 : 0;
}

/**
 * The parts of what is done that came to nothing.
 * @param {Search} search
 */
export function lostShares(search) {
  const each = search.finished ? share(search) / search.finished : 0;
  return { failed: each * (search.counts.failed ?? 0), diverged: each * (search.counts.diverged ?? 0) };
}

/**
 * What to call a search that is over without any result: its state, and the words for it.
 * @param {Search} search
 * @returns {[state: string, words: string] | null}
 */
export function endedWithoutResult(search) {
  const { failed = 0, diverged = 0 } = search.counts;
  if (!isOver(search) || !search.finished || failed + diverged < search.finished) return null;
  if (!failed) return ["diverged", "all diverged"];
  return ["failed", diverged ? "no result" : "all failed"];
}

/** @param {Search} search */
export function progressText(search) {
  const total = search.budget.trials;
  if (!total) return `${count(search.finished)} trials`;
  const more = search.finished - total; // leaders trained again, forks, points added by hand
  return more > 0 ? `${count(total)} of ${count(total)}, ${count(more)} more` : `${count(search.finished)} of ${count(total)}`;
}

/**
 * How many failed, in words; empty where none did.
 * @param {Search} search
 */
export function failedText(search) {
  const { failed = 0 } = search.counts;
  if (!failed) return "";
  return failed === search.finished ? "all failed" : `${count(failed)} failed`;
}

/** @param {Search} search */
export function timeLeft(search) {
  const { total } = search;
  if (search.state !== "running" || !search.rate || !total) return null;
  return duration((total - search.finished) / search.rate);
}

/** @param {Search} search */
export function elapsed(search) {
  if (!search.started) return null;
  return (Date.parse(search.ended ?? new Date().toISOString()) - Date.parse(search.started)) / 1000;
}

/** @param {Search} search */
export function isOver(search) {
  return ["completed", "cancelled"].includes(search.state);
}

/** @param {Search} search */
export function minimizes(search) {
  return search.spec.objective?.direction !== "maximize";
}

/**
 * The metric that is searched for; a search that names none means the dev error.
 * @param {Search} search
 */
export function objectiveMetric(search) {
  return search.spec.objective?.metric ?? "dev_error";
}

/** @param {Search} search */
export function objectiveName(search) {
  return label(objectiveMetric(search));
}

/**
 * The metrics of the objectives after the first.
 * @param {Search} search
 * @returns {string[]}
 */
export function furtherMetrics(search) {
  return (search.spec.further ?? []).map(({ metric }) => metric ?? "dev_error");
}

/**
 * The value of a metric: shares of wrong answers as per cent, errors of a regression in standard deviations of its target.
 * @param {Search} search
 * @param {string} metric
 * @param {number | null | undefined} value
 * @param {number} [digits] of errors; other metrics have one more
 */
export function measured(search, metric, value, digits = 3) {
  if (value === null || value === undefined || !metric.endsWith("_error")) return number(value, digits + 1);
  if (search.task === "regression") return `${number(value, digits)} SD`;
  return search.task === "classification" || (value >= 0 && value <= 1) ? percent(value, digits) : number(value, digits + 1);
}

/**
 * A value of the objective.
 * @param {Search} search
 * @param {number | null | undefined} value
 */
export function objectiveValue(search, value) {
  return measured(search, objectiveMetric(search), value);
}

/**
 * How far two values of a metric are apart; shares in points, for per cent of what would be unclear.
 * @param {Search} search
 * @param {string} metric
 * @param {number} difference
 */
export function apart(search, metric, difference) {
  const shares = metric.endsWith("_error") && search.task === "classification";
  return shares ? `${number(100 * difference, 3)} points` : measured(search, metric, difference);
}

/**
 * The share of the variance that a regression explains, as far as its error tells.
 * @param {Search} search
 * @param {string} metric
 * @param {number | null | undefined} value
 */
export function explained(search, metric, value) {
  if (search.task !== "regression" || !metric.endsWith("_error") || value === null || value === undefined) return "";
  return `R² about ${number(1 - value * value, 2)}`;
}

/**
 * Trials per second or per minute, whichever reads better.
 * @param {number | null} rate per second
 */
export function rateText(rate) {
  if (!rate) return "–";
  if (rate >= 0.5) return `${number(rate, 3)} /s`;
  if (rate >= 0.5 / 60) return `${number(rate * 60, 2)} /min`;
  return `${number(rate * 3600, 2)} /h`;
}

/**
 * Names of the parameters that vary, in the order of the space.
 * @param {Spec} spec
 */
export function parameterNames(spec) {
  return Object.keys(parametersOf(spec.space)).filter((name) => spec.space[name]?.value === undefined);
}

/**
 * How often a trial of a search trains: once for each fold of each repeat.
 * @param {Spec} spec
 */
export function trainingsOf(spec) {
  const { folds, repeats } = /** @type {{folds?: number, repeats?: number}} */ (spec.dataset ?? {});
  return (spec.trainer ?? "mlp") === "mlp" && folds ? folds * (repeats ?? 1) : 1;
}

/**
 * Epochs that a trial has when it trains to its end, as far as that is known.
 * @param {Spec} spec
 * @param {Trial} trial
 * @returns {number | null}
 */
export function plannedEpochs(spec, trial) {
  const each = trial.epochs ?? spec.settings?.epochs;
  return typeof each === "number" ? each * trainingsOf(spec) : null;
}

/**
 * The deviation of a metric between folds, as "± 1.2 %"; nothing without folds.
 * @param {Search} search
 * @param {Trial} trial
 * @param {string} metric
 */
export function spreadText(search, trial, metric) {
  const spread = trial.metrics?.[`${metric}_deviation`];
  return typeof spread === "number" ? ` ± ${measured(search, metric, spread)}` : "";
}

/**
 * The parameters of a space, without the list of relations that may stand among them.
 * @param {Record<string, Definition>} space
 * @returns {Record<string, Definition>}
 */
export function parametersOf(space) {
  return Object.fromEntries(Object.entries(space).filter(([, definition]) => !Array.isArray(definition)));
}

/**
 * Whether a search is a study of Optuna, whose trials its own script makes and runs.
 * @param {Search} search
 */
export function isStudy(search) {
  return search.spec.trainer === "optuna";
}
