/** Who changed what of a search, the newest first. */

import { call, isAbort, withQuery } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { problem, when } from "../components/parts.js";

const PAGE = 50;
const LONGEST = 160; // characters of what something became; the title has all of it

/**
 * A section that fills itself.
 * @param {number} search
 * @param {AbortSignal} signal
 */
export function auditSection(search, signal) {
  const list = h("ul", { class: "records" });
  const said = h("div");
  const more = h("button", { type: "button", class: "small", hidden: true }, "Older");
  const section = h("section", { class: "card signedin" }, h("div", { class: "cardhead" }, h("h2", null, "Who changed what")), said, list, more);
  /** @type {string | null} */
  let next = null;
  const load = async () => {
    try {
      /** @type {Api["Deeds"]} */
      const page = await call(withQuery(`/searches/${search}/audit`, { limit: PAGE, cursor: next }), { signal });
      list.append(...page.items.map(item));
      next = page.next;
      more.hidden = !next;
      if (!list.children.length) fill(said, h("p", { class: "hint" }, "Nothing is recorded: the search is older than this."));
    } catch (error) {
      if (!isAbort(error)) fill(said, problem(error));
    }
  };
  more.addEventListener("click", () => void load());
  void load();
  return section;
}

/** @param {Api["Deed"]} deed */
function item({ created, who, what, trial, subject, before, after }) {
  const [was, is] = differing(before ?? {}, after ?? {}).map(document);
  return h(
    "li",
    null,
    when(created),
    h("strong", null, who ?? "unknown"),
    what,
    subject ? h("code", null, subject) : null,
    trial ? h("a", { href: `/trials/${trial}` }, `trial ${trial}`) : null,
    was,
    was && is ? "to" : null,
    is,
  );
}

/**
 * What two documents differ in, as text.
 * @param {Record<string, unknown>} before
 * @param {Record<string, unknown>} after
 */
function differing(before, after) {
  const sides = [leaves(before), leaves(after)].map((entries) => new Map(entries));
  const [was, is] = sides.map((side) => new Map([...side].map(([name, value]) => [name, JSON.stringify(value)])));
  return sides.map((side) => [...side].filter(([name, value]) => value !== null && was?.get(name) !== is?.get(name)).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", "));
}

/**
 * @param {Record<string, unknown>} content
 * @param {string} [at]
 * @returns {[string, unknown][]}
 */
function leaves(content, at = "") {
  return Object.entries(content).flatMap(([name, value]) => (value && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length ? leaves(/** @type {Record<string, unknown>} */ (value), `${at}${name}.`) : [[`${at}${name}`, value]]));
}

/** @param {string} text */
function document(text) {
  if (!text) return null;
  const short = text.length > LONGEST;
  return h("code", { title: short ? text : null }, short ? `${text.slice(0, LONGEST)} ...` : text);
}
