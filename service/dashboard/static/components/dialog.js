/** Questions in a dialog: the browser's own <dialog> keeps the focus inside and closes on Escape. */

import { h } from "../core/dom.js";

/**
 * @param {string} title
 * @param {import("../core/dom.js").Child[]} content
 * @param {HTMLElement[]} buttons
 */
export function openDialog(title, content, buttons) {
  const heading = h("h2", { id: "dialog-title" }, title);
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, heading, h("div", { class: "dialogbody" }, content), h("div", { class: "dialogbuttons" }, buttons));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Ask before something that cannot be taken back.
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
export function ask(title, text, yes) {
  return new Promise((resolve) => {
    const agree = h("button", { type: "button", class: "danger" }, yes);
    const back = h("button", { type: "button" }, "Back");
    const dialog = openDialog(title, [h("p", null, text)], [back, agree]);
    let answer = false;
    agree.addEventListener("click", () => {
      answer = true;
      dialog.close();
    });
    back.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => resolve(answer));
  });
}
