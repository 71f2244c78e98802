/** The pictures of a search in the order of its page: a picture is its module and its line here. */

/** @type {(() => Promise<{picture: (view: SearchView) => Picture}>)[]} */
export const PICTURES = [
  () => import("./parallel.js"),
  () => import("./contour.js"),
  () => import("./importance.js"),
  () => import("./slices.js"),
  () => import("./rounds.js"),
  () => import("./curves.js"),
  () => import("./bias-variance.js"),
  () => import("./edf.js"),
  () => import("./history.js"),
  () => import("./timeline.js"),
];
