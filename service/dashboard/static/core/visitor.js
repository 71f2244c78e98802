/** Somebody who came by a link: they may look at one search, and what is not for them is hidden (the server refuses it anyhow). */

import { call } from "./api.js";
import { here } from "./base.js";
import { go, navigation } from "./router.js";

const LINK = /^#link=(cal_[\w-]+)$/;

/**
 * Take the link off the address, where it is in the history and on the screen, and sign in with it. The cookie that comes
 * back belongs to the search of the link: whoever is signed in stays so.
 * @returns {Promise<string>} why it does not open anything; empty where it does, or where there is none
 */
export async function enterByLink() {
  const text = LINK.exec(location.hash)?.[1];
  if (!text) return "";
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await call("/session", { method: "POST", headers: { Authorization: `Bearer ${text}` } });
    return "";
  } catch {
    return "This link has expired or was revoked. Ask for a new one, or sign in.";
  }
}

/** Note who is here: a page of the one search that a link shows has no actions, and no way to other pages. */
export async function noteVisitor() {
  /** @type {Api["Session"] | null} */
  const session = await call("/session").catch(() => null); // without one the page asks for a token
  if (!session?.search) return;
  document.documentElement.dataset.visitor = "";
  const home = () => here() === "/" && go(`/searches/${session.search}`, { replace: true });
  navigation.addEventListener("page", () => setTimeout(home));
  home();
}
