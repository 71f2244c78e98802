/** The pages and their addresses. The server reads the addresses here, one to a line, to answer them with the page (site.py). */

/** @type {{path: string, load: () => Promise<PageModule>}[]} */
export const ROUTES = [
  { path: "/", load: () => import("./pages/searches.js") },
  { path: "/searches", load: () => import("./pages/searches.js") },
  { path: "/searches/{search}", load: () => import("./pages/search.js") },
  { path: "/trials/{trial}", load: () => import("./pages/trial.js") },
  { path: "/new", load: () => import("./pages/new.js") },
  { path: "/compare", load: () => import("./pages/compare.js") },
  { path: "/docs", load: () => import("./pages/docs.js") },
  { path: "/agents", load: () => import("./pages/agents.js") },
  { path: "/datasets", load: () => import("./pages/datasets.js") },
  { path: "/datasets/{dataset}", load: () => import("./pages/datasets.js") },
];
