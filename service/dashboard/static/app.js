/** The dashboard begins here: theme, top bar, connection banner, then the page the address names. */

import { drawTopbar } from "./components/topbar.js";
import { watchConnection } from "./components/banner.js";
import { start } from "./core/router.js";
import { restoreTheme } from "./core/theme.js";
import { ROUTES } from "./routes.js";

restoreTheme();
drawTopbar(/** @type {HTMLElement} */ (document.getElementById("topbar")), ROUTES);
watchConnection(/** @type {HTMLElement} */ (document.getElementById("banner")));
await start(ROUTES);
