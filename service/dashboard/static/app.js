/** The dashboard begins here: theme, top bar, connection banner, then the page the address names. */

import { drawTopbar } from "./components/topbar.js";
import { watchConnection } from "./components/banner.js";
import { start } from "./core/router.js";
import { restoreTheme } from "./core/theme.js";
import { toast } from "./components/parts.js";
import { enterByLink, noteVisitor } from "./core/visitor.js";
import { ROUTES } from "./routes.js";

// Its address is relative to the page, and the browser looks it up again at each change of page.
for (const icon of document.querySelectorAll("link[rel=icon]")) icon.setAttribute("href", /** @type {HTMLLinkElement} */ (icon).href);
restoreTheme();
drawTopbar(/** @type {HTMLElement} */ (document.getElementById("topbar")), ROUTES);
const shut = await enterByLink(); // before anything is asked for, and before anybody is asked for a token
watchConnection(/** @type {HTMLElement} */ (document.getElementById("banner")));
if (shut) toast(shut, "bad");
void noteVisitor();
await start(ROUTES);
