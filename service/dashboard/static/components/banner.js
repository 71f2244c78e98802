/** What the page says when the server goes away, comes back, or asks for a token. */

import { connection, signIn } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { problem } from "./parts.js";

/** @param {HTMLElement} banner */
export function watchConnection(banner) {
  connection.addEventListener("down", () => {
    fill(
      banner,
      h("div", { class: "banner warning" }, h("span", { class: "pulse" }), h("div", null, h("strong", null, "The server is not responding. "), "You see the last known state. The page reconnects by itself. Start the server with ", h("code", null, "caviar serve"), ".")),
    );
  });
  connection.addEventListener("up", () => {
    const note = h("div", { class: "banner good" }, "The server is back.");
    fill(banner, note);
    setTimeout(() => note.remove(), 3000);
  });
  connection.addEventListener("denied", () => askToken(banner));
}

/** @param {HTMLElement} banner */
function askToken(banner) {
  if (banner.querySelector("form")) return;
  const field = h("input", { type: "password", id: "token", autocomplete: "off", placeholder: "token", required: true });
  const said = h("div");
  const form = h(
    "form",
    {
      class: "banner warning",
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        try {
          await signIn(field.value.trim());
          location.reload();
        } catch (error) {
          fill(said, problem(error));
        }
      },
    },
    h("label", { for: "token" }, "This server requires a token (create one with ", h("code", null, "caviar token"), "):"),
    field,
    h("button", { class: "primary" }, "Sign in"),
    said,
  );
  fill(banner, form);
  field.focus();
}
