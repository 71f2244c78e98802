/** Files dropped on a part of the page. */

/**
 * @param {HTMLElement} place
 * @param {(file: File) => void} taken
 */
export function dropFile(place, taken) {
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("dropping");
  });
  place.addEventListener("dragleave", () => place.classList.remove("dropping"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    if (file) taken(file);
  });
}
