/** What was submitted, as YAML, curl and Python to copy; and who changed what since. */

import { SERVER } from "../core/base.js";
import { fill, h } from "../core/dom.js";
import { toYaml } from "../core/yaml.js";
import { copyButton } from "../components/parts.js";
import { spaceTable } from "../components/space.js";
import { auditSection } from "./search-audit.js";

/** @param {SearchView} view */
export function view({ outlet, search, signal }) {
  const { spec } = search();
  fill(
    outlet,
    h("section", { class: "card" }, h("div", { class: "cardhead" }, h("h2", null, "Space")), h("p", { class: "hint" }, "Bars show how often values are drawn, from the low to the high end of the range."), spaceTable(spec.space)),
    h("div", { class: "columns" }, text("YAML", "For caviar submit.", toYaml(clean(spec))), h("div", { class: "page" }, text("curl", "Over the REST API.", curl(spec)), text("Python", "With the client library.", python(spec)))),
    auditSection(search().id, signal),
  );
}

/**
 * Without what is empty: a definition people would write.
 * @param {Spec} spec
 */
export function clean(spec) {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null && value !== undefined && !(Array.isArray(value) && !value.length)));
}

/**
 * @param {string} title
 * @param {string} hint
 * @param {string} content
 */
function text(title, hint, content) {
  return h("section", { class: "card" }, h("div", { class: "cardhead" }, h("h2", null, title), h("span", { class: "spacer" }), copyButton(content)), h("p", { class: "hint" }, hint), h("pre", { class: "code", tabindex: "0" }, content));
}

/** @param {Spec} spec */
function curl(spec) {
  const json = JSON.stringify(clean(spec)).replaceAll("'", "'\\''");
  return `curl -X POST ${SERVER}/api/v1/searches \\\n  -H 'Content-Type: application/json' \\\n  -d '${json}'`;
}

/** @param {Spec} spec */
function python(spec) {
  const body = JSON.stringify(clean(spec), null, 4).replaceAll(/\btrue\b/g, "True").replaceAll(/\bfalse\b/g, "False").replaceAll(/\bnull\b/g, "None");
  return `from caviar import Client\n\nclient = Client("${SERVER}")\nsearch = client.submit(${body})`;
}
