/** Links that show a search to people without a token: make one, see those that work, revoke them. */

import { call } from "../core/api.js";
import { SERVER } from "../core/base.js";
import { fill, h } from "../core/dom.js";
import { moment } from "../core/format.js";
import { openDialog } from "../components/dialog.js";
import { attempt, choose, copyButton, problem } from "../components/parts.js";

const DAY = 86400;
const PERIODS = /** @type {[string, string][]} */ ([[String(DAY / 24), "1 hour"], [String(DAY), "1 day"], [String(7 * DAY), "7 days"], [String(30 * DAY), "30 days"], [String(365 * DAY), "1 year"]]);

/** @param {Search} search */
export function shareSearch(search) {
  const path = `/searches/${search.id}/links`;
  const period = choose("How long the link works", PERIODS, String(7 * DAY), () => undefined);
  const make = h("button", { type: "button", class: "primary" }, "Make a link");
  const made = h("div");
  const list = h("ul", { class: "records" });
  const close = h("button", { type: "button" }, "Close");
  const hint = "Whoever has the link sees this search, its trials, curves and pictures without a token, until it expires. They can change nothing, and see no data, no models and no other search.";
  const dialog = openDialog(`Share ${search.name}`, [h("div", { class: "fields" }, h("p", { class: "hint" }, hint), h("div", { class: "filters" }, period, make), made, list)], [close]);
  close.addEventListener("click", () => dialog.close());

  const load = async () => {
    try {
      /** @type {Api["Links"]} */
      const { items } = await call(path);
      fill(list, items.map((link) => item(link, () => attempt(() => call(`${path}/${link.id}`, { method: "DELETE" }), "Revoked.").then(load))));
    } catch (error) {
      fill(list, problem(error));
    }
  };
  make.addEventListener("click", async () => {
    /** @type {Api["MadeLink"] | undefined} */
    const link = await attempt(() => call(path, { method: "POST", json: { seconds: Number(period.value) } }));
    if (!link) return;
    const address = `${SERVER}${link.path}`;
    const field = h("input", { readonly: true, value: address, "aria-label": "The link", onfocus: () => field.select() });
    fill(made, h("p", null, "Copy it now: it is shown only this once."), h("div", { class: "filters linkmade" }, field, copyButton(address)));
    field.focus();
    await load();
  });
  void load();
}

/**
 * @param {Api["Link"]} link
 * @param {() => unknown} revoke
 */
function item(link, revoke) {
  return h("li", null, h("code", null, link.id), `by ${link.who ?? "unknown"}, works until ${moment(link.expires)}`, h("button", { type: "button", class: "small danger", onclick: revoke }, "Revoke"));
}
