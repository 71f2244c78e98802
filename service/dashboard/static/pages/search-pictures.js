/** All pictures of a search. Each is loaded when it comes near the screen, and drawn again as trials end. */

import { isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { empty } from "../components/parts.js";
import { whenSeen } from "../components/figure.js";
import { biasVariancePicture } from "../pictures/bias-variance.js";
import { contourPicture } from "../pictures/contour.js";
import { learningCurvesPicture } from "../pictures/curves.js";
import { edfPicture } from "../pictures/edf.js";
import { historyPicture } from "../pictures/history.js";
import { importancePicture } from "../pictures/importance.js";
import { parallelPicture } from "../pictures/parallel.js";
import { roundsPicture } from "../pictures/rounds.js";
import { loadSample } from "../pictures/sample.js";
import { slicesPicture } from "../pictures/slices.js";
import { timelinePicture } from "../pictures/timeline.js";

/** @param {import("./search.js").SearchView} view */
export function view(view) {
  const { outlet, search, signal, live } = view;
  if (!search().finished && !Object.values(search().counts).some((amount) => amount > 0)) {
    fill(outlet, empty("Nothing to draw yet", h("p", null, "Pictures appear as soon as the first trial has ended.")));
    return;
  }
  const drawn = [parallelPicture(view), contourPicture(view), roundsPicture(view), biasVariancePicture(view), slicesPicture(view)];
  const [parallel, contour, rounds, bias, slices] = drawn;
  const loaded = [importancePicture(view), learningCurvesPicture(view), edfPicture(() => [search()], signal), historyPicture(view), timelinePicture(view)];
  const [importance, curves, edf, history, timeline] = loaded;
  const order = [parallel, contour, importance, slices, rounds, curves, bias, edf, history, timeline];
  fill(outlet, h("div", { class: "figures" }, order.map((picture) => picture?.node)));

  /** @type {import("../pictures/sample.js").Sample | null} */
  let sample = null;
  /** @type {Set<(typeof drawn)[number]>} */
  const seen = new Set();
  for (const picture of drawn) {
    whenSeen(
      picture.node,
      () => {
        seen.add(picture);
        if (sample) picture.draw(sample);
      },
      signal,
    );
  }
  live(async () => {
    try {
      sample = await loadSample(search(), signal);
      for (const picture of seen) picture.draw(sample);
    } catch (error) {
      if (!isAbort(error)) for (const picture of drawn) picture.fail(error);
    }
  }, 900);
  for (const picture of loaded) {
    const update = async () => {
      try {
        await picture.update();
      } catch (error) {
        if (!isAbort(error)) picture.fail(error);
      }
    };
    whenSeen(picture.node, () => view.live(update, 1200), signal);
  }
}
