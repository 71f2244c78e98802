/** The legend of a picture: a mark and a name for each line. */

/** A legend whose entries may change. */
export function makeLegend() {
  const node = document.createElement("span");
  node.className = "legend";
  return {
    node,
    /** @param {[string, string][]} entries */
    set(entries) {
      const key = JSON.stringify(entries);
      if (node.dataset.shown === key) return;
      node.dataset.shown = key;
      node.textContent = "";
      for (const [name, style] of entries) {
        const entry = document.createElement("span");
        const mark = document.createElement("i");
        mark.style.setProperty("--mark", style);
        entry.append(mark, name);
        node.append(entry);
      }
    },
  };
}
