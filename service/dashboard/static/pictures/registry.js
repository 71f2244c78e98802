/** The pictures of a search by group, in the order of its page: a picture is its module and its line here. */

/** @typedef {() => Promise<{picture: (view: SearchView) => Picture}>} Load */

/** @type {{id: string, title: string, pictures: Load[], several?: boolean}[]} */
export const GROUPS = [
  { id: "front", title: "Several objectives", several: true, pictures: [() => import("./front.js"), () => import("./hypervolume.js")] },
  { id: "matters", title: "What matters", pictures: [() => import("./parallel.js"), () => import("./contour.js"), () => import("./importance.js"), () => import("./slices.js")] },
  { id: "course", title: "How it went", pictures: [() => import("./history.js"), () => import("./curves.js"), () => import("./bias-variance.js"), () => import("./edf.js"), () => import("./rounds.js")] },
  { id: "operations", title: "Operations", pictures: [() => import("./timeline.js")] },
];
