/** Agents: the worker processes, what they hold, and how to add some. */

import { call, connection, isAbort } from "../core/api.js";
import { SERVER } from "../core/base.js";
import { fill, h, setText } from "../core/dom.js";
import { count, duration } from "../core/format.js";
import { chip, command, empty, problem, setChip, toast, when } from "../components/parts.js";
import { Table } from "../components/table.js";

/** @param {PageContext} context */
export async function page({ outlet, signal, title }) {
  title("Agents");
  const total = h("span", { class: "muted" });
  const place = h("div");
  const table = new Table({ columns: columns(), key: (/** @type {Agent} */ agent) => agent.id, label: "Agents" });
  fill(
    outlet,
    h("div", { class: "pagehead" }, h("h1", null, "Agents"), total),
    h("p", { class: "hint" }, "An agent is a worker process that trains trials. If one dies, its trials continue elsewhere from their last checkpoint."),
    place,
    h("section", { class: "card" }, h("div", { class: "cardhead" }, h("h2", null, "Add agents")), h("p", { class: "hint" }, "On any machine that can reach this server and has the package installed:"), command(`caviar worker --url ${SERVER}`)),
  );
  async function load() {
    try {
      /** @type {{items: Agent[]}} */
      const { items } = await call("/agents", { signal });
      const gone = items.filter((agent) => (agent.state ?? "alive") !== "alive").length;
      const silent = items.filter((agent) => agent.silent).length;
      const more = `${silent ? `, ${count(silent)} silent` : ""}${gone ? `, ${count(gone)} gone` : ""}`;
      setText(total, items.length ? `${count(items.length - gone - silent)} connected${more}` : "");
      if (!items.length) fill(place, empty("No agent is connected", h("p", null, "Queued trials are waiting. ", h("code", null, "caviar serve --workers 2"), " starts two with the server; add more with the command below.")));
      else {
        if (!place.contains(table.node)) fill(place, table.node);
        table.set([...items].sort(byInterest));
      }
    } catch (error) {
      if (!isAbort(error) && !place.contains(table.node)) fill(place, problem(error));
    }
  }
  connection.addEventListener("up", () => void load(), { signal });
  const poll = async () => {
    await load();
    if (!signal.aborted) setTimeout(poll, 2000);
  };
  await poll();
}

/**
 * Those that work come first, then those that left, the last one first.
 * @param {Agent} one
 * @param {Agent} other
 */
function byInterest(one, other) {
  const gone = (/** @type {Agent} */ agent) => Number((agent.state ?? "alive") !== "alive");
  const named = one.id < other.id ? -1 : 1;
  return gone(one) - gone(other) || (gone(one) ? String(other.seen ?? "").localeCompare(String(one.seen ?? "")) : 0) || named;
}

/** @returns {import("../components/table.js").Column<Agent>[]} */
function columns() {
  return [
    { key: "id", title: "Agent", cell: (agent) => h("span", { class: "mono" }, agent.id) },
    { key: "state", title: "State", cell: (agent) => chip(stateOf(agent)), update: (cell, agent) => setChip(/** @type {HTMLElement} */ (cell.firstElementChild), stateOf(agent)) },
    { key: "host", title: "Host", cell: (agent) => agent.host },
    { key: "pid", title: "Process", numeric: true, cell: (agent) => String(agent.pid) },
    { key: "device", title: "Device", cell: (agent) => agent.device ?? "" },
    { key: "engine", title: "Engine", cell: (agent) => agent.engine },
    { key: "version", title: "Version", cell: (agent) => agent.version },
    { key: "holding", title: "Current trials", cell: (agent) => h("span", null, holding(agent).flatMap((id, index) => [index ? ", " : "", h("a", { href: `/trials/${id}` }, id)])) },
    { key: "seen", title: "Last seen", cell: (agent) => when(/** @type {string | null} */ (agent.seen ?? null)) },
    { key: "reason", title: "Why", cell: (agent) => whyOf(agent), update: (cell, agent) => updateWhy(cell, agent) },
  ];
}

/**
 * Why an agent has left, or is given nothing more; a person may trust it again.
 * @param {Agent} agent
 */
function whyOf(agent) {
  if (!isSuspended(agent)) return h("span", null, String(agent.reason ?? ""));
  const again = h("button", { type: "button" }, "Trust it again");
  again.addEventListener("click", async () => {
    again.disabled = true;
    try {
      await call(`/agents/${agent.id}/trust`, { method: "POST" });
      toast(`Agent ${agent.id} gets trials again.`);
    } catch (error) {
      again.disabled = false;
      toast(error instanceof Error ? error.message : String(error));
    }
  });
  return h("span", null, `Gets no more trials: ${agent.suspended}. `, again);
}

/**
 * @param {HTMLElement} cell
 * @param {Agent} agent
 */
function updateWhy(cell, agent) {
  const shown = String((isSuspended(agent) ? agent.suspended : agent.reason) ?? "");
  if (cell.dataset.shown === shown) return;
  cell.dataset.shown = shown;
  fill(cell, whyOf(agent));
}

/** @param {Agent} agent */
function isSuspended(agent) {
  return Boolean(agent.suspended) && (agent.state ?? "alive") === "alive";
}

/** @param {Agent} agent */
function stateOf(agent) {
  const state = String(agent.state ?? "alive");
  if (isSuspended(agent)) return "suspended";
  if (state === "alive" && agent.silent) return `silent for ${duration(agent.silent)}`;
  if (state === "alive") return holding(agent).length ? "running" : "idle";
  return state;
}

/**
 * @param {Agent} agent
 * @returns {string[]}
 */
function holding(agent) {
  return Array.isArray(agent.holding) ? agent.holding : [];
}
