/** The pictures of a search by group, in the order of its page: a picture is its module and its line here. */

/** @typedef {() => Promise<{picture: (view: SearchView) => Picture}>} Load */

/** @type {{id: string, title: string, pictures: Load[], of?: (spec: Search["spec"]) => boolean}[]} of: of which searches, by default of all */
export const GROUPS = [
  { id: "population", title: "Population", of: (spec) => spec.strategy?.name === "population", pictures: [() => import("./lineage.js")] },
  { id: "front", title: "Several objectives", of: (spec) => Boolean(spec.further?.length), pictures: [() => import("./front.js"), () => import("./hypervolume.js")] },
  { id: "matters", title: "What matters", pictures: [() => import("./parallel.js"), () => import("./contour.js"), () => import("./importance.js"), () => import("./slices.js")] },
  { id: "course", title: "How it went", pictures: [() => import("./history.js"), () => import("./curves.js"), () => import("./bias-variance.js"), () => import("./edf.js"), () => import("./rounds.js")] },
  { id: "operations", title: "Operations", pictures: [() => import("./timeline.js")] },
];
