/** The first view of a search: how it went so far, and the best trials. */

import { call, isAbort } from "../core/api.js";
import { SERVER } from "../core/base.js";
import { fill, h, setText } from "../core/dom.js";
import { count, label, text } from "../core/format.js";
import { furtherMetrics, isStudy, measured, objectiveMetric, objectiveName, parameterNames } from "../core/search-math.js";
import { chip, command, empty, problem, when } from "../components/parts.js";
import { Table } from "../components/table.js";
import { conclusion } from "./search-conclusion.js";
import { remainingLine, standingsCard } from "./search-analysis.js";
import { picture as historyPicture } from "../pictures/history.js";

/** @param {SearchView} view */
export async function view(view) {
  const { outlet, search, signal, live } = view;
  const place = h("div");
  const concluded = conclusion(view);
  const picture = historyPicture(view, { wide: true });
  const table = new Table({ columns: columns(search()), key: (trial) => trial.id, label: "Best trials", row: (node, trial) => node.classList.toggle("first", trial.id === search().best?.trial) });
  const remaining = remainingLine(view);
  const standings = standingsCard(view);
  const all = h("a", { href: `/searches/${search().id}?view=trials` }, "All trials");
  const heading = h("h2", null, "Best trials");
  const best = h("section", { class: "card" }, h("div", { class: "cardhead" }, heading, h("span", { class: "spacer" }), all), table.node);
  fill(outlet, place);

  live(async () => {
    const started = search().finished > 0 || Object.values(search().counts).some((amount) => amount > 0);
    if (!started) {
      fill(place, waiting(search()));
      return;
    }
    if (!place.contains(best)) fill(place, h("div", { class: "page" }, concluded.node, h("div", { class: "figures" }, picture.node), remaining.node, standings.node, best));
    try {
      const [found] = await Promise.all([call(`/searches/${search().id}/best?k=10`, { signal }), concluded.update(), picture.update(), remaining.update(), standings.update()]);
      const none = !found.items.length;
      setText(heading, none ? "Trials so far" : "Best trials");
      table.node.setAttribute("aria-label", heading.textContent ?? "");
      table.set(none ? (await call(`/searches/${search().id}/trials?limit=10`, { signal })).items : found.items);
    } catch (error) {
      if (!isAbort(error)) fill(outlet, problem(error));
    }
  });
}

/** @param {Search} search */
function waiting(search) {
  if (search.state === "cancelled") return empty("No trial was started", h("p", null, "The search was cancelled first. Copy it to a new search to run it."));
  if (search.state === "paused") return empty("Paused before its first trial", h("p", null, "Press Resume to start it."));
  if (isStudy(search)) return empty("Waiting for your script", h("p", null, "Trials appear as your script runs this study of Optuna:"), command(`storage=CaviarStorage("${SERVER}")`));
  if (search.spec.trainer === "external") return empty("Waiting for your script", h("p", null, "This search is trained by a script of your own. It starts when the script asks for trials:"), command(`for trial in Client("${SERVER}").ask(${search.id}): ...`));
  return empty(
    "No trial has started yet",
    h("p", null, `${search.parallel === 1 ? "It starts" : `Up to ${count(search.parallel)} trials run at a time. They start`} as soon as an agent is free. If nothing happens, look at the `, h("a", { href: "/agents" }, "agents"), ", or start one on this machine or another:"),
    command(`caviar worker --url ${SERVER}`),
  );
}

/**
 * @param {Search} search
 * @returns {import("../components/table.js").Column<Trial>[]}
 */
function columns(search) {
  return [
    { key: "number", title: "Trial", numeric: true, cell: (trial) => h("a", { href: `/trials/${trial.id}` }, String(trial.number)) },
    { key: "value", title: objectiveName(search), numeric: true, cell: (trial) => measured(search, objectiveMetric(search), trial.value) },
    ...furtherMetrics(search).map((name) => ({ key: name, title: label(name), numeric: true, cell: (/** @type {Trial} */ trial) => measured(search, name, trial.metrics?.[name]) })),
    ...parameterNames(search.spec).map((name) => ({ key: name, title: label(name), numeric: !search.spec.space[name]?.choices, cell: (/** @type {Trial} */ trial) => text(trial.params[name]) })),
    { key: "state", title: "State", cell: (trial) => chip(trial.state) },
    { key: "epoch", title: "Epochs", numeric: true, cell: (trial) => count(trial.epoch) },
    { key: "ended", title: "Ended", cell: (trial) => when(trial.ended) },
  ];
}
