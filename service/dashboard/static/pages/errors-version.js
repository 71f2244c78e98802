/** Making a data set with the labels that people said to be right. */

import { call } from "../core/api.js";
import { h } from "../core/dom.js";
import { go } from "../core/router.js";
import { openDialog } from "../components/dialog.js";
import { attempt } from "../components/parts.js";
import { partName } from "./errors-tables.js";

const LONGEST_NAME = 100;

/**
 * Ask for a name, make the data set, and open it.
 * @param {string} address of the errors
 * @param {Api["Rows"]} found
 */
export function makeVersion(address, found) {
  const name = h("input", { type: "text", id: "version-name", required: true, maxlength: LONGEST_NAME, value: nextName(found.dataset) });
  const yes = h("button", { type: "button", class: "primary" }, "Make it");
  const no = h("button", { type: "button" }, "Back");
  const text = `The data of ${found.dataset} with the labels that were said to be right in the ${partName(found.part)}. Its parts keep their rows. The test set keeps its labels: correct those by the same rules, or the two come to differ.`;
  const dialog = openDialog("A data set with corrected labels", [h("p", null, text), h("label", { for: name.id }, "Name"), name], [no, yes]);
  const make = async () => {
    if (!name.reportValidity()) return;
    yes.disabled = true;
    /** @type {Api["Corrected"] | undefined} */
    const made = await attempt(() => call(`${address}/versions`, { method: "POST", json: { name: name.value, part: found.part } }));
    yes.disabled = false;
    if (!made) return;
    dialog.close();
    go(`/datasets/${made.dataset.id}`);
  };
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => void make());
  name.addEventListener("keydown", (event) => {
    if (event.key === "Enter") void make();
  });
}

/**
 * The name for a next version: digits, digits v2, digits v3.
 * @param {string} name
 */
function nextName(name) {
  const [, base = name, at = "1"] = /^(.*) v(\d+)$/.exec(name) ?? [];
  return `${base} v${Number(at) + 1}`.slice(0, LONGEST_NAME);
}
