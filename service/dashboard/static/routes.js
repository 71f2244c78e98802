/** The pages and their addresses. The server reads the addresses here, one to a line, to answer them with the page (site.py). */

/** @type {Route[]} */
export const ROUTES = [
  { path: "/", title: "Searches", load: () => import("./pages/searches.js") },
  { path: "/searches", under: "/", load: () => import("./pages/searches.js") },
  { path: "/searches/{search}", under: "/", load: () => import("./pages/search.js") },
  { path: "/trials/{trial}", under: "/", load: () => import("./pages/trial.js") },
  { path: "/trials/{trial}/errors", under: "/", load: () => import("./pages/errors.js") },
  { path: "/compare", under: "/", load: () => import("./pages/compare.js") },
  { path: "/new", load: () => import("./pages/new.js") },
  { path: "/datasets", title: "Data sets", load: () => import("./pages/datasets.js") },
  { path: "/datasets/{dataset}", under: "/datasets", load: () => import("./pages/datasets.js") },
  { path: "/agents", title: "Agents", load: () => import("./pages/agents.js") },
  { path: "/docs", title: "API", load: () => import("./pages/docs.js") },
];
