/** Data sets: which there are, what is in them, and upload of more. */

import { call, isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { classCount, count, size } from "../core/format.js";
import { problem, when } from "../components/parts.js";
import { Table } from "../components/table.js";
import { datasetDetail } from "./dataset-detail.js";
import { uploadCard } from "./dataset-upload.js";

/** @param {PageContext} context */
export async function page(context) {
  const { outlet, params, signal } = context;
  if (params[0]) {
    await datasetDetail(context, params[0]);
    return;
  }
  context.title("Data sets");
  const table = new Table({ columns: columns(), key: (/** @type {Dataset} */ dataset) => String(dataset.id), label: "Data sets" });
  const place = h("div");
  fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "Data sets")), uploadCard(context), place);
  try {
    const { items } = await call("/datasets", { signal });
    fill(place, table.node);
    table.set(items);
  } catch (error) {
    if (!isAbort(error)) fill(place, problem(error));
  }
}

/** @returns {import("../components/table.js").Column<Dataset>[]} */
function columns() {
  return [
    { key: "name", title: "Name", cell: (each) => h("a", { href: `/datasets/${each.id}` }, each.name) },
    { key: "task", title: "Task", cell: (each) => (each.target?.problem ? h("span", { class: "unusable", title: each.target.problem }, "target cannot be used") : (each.target?.task ?? "")) },
    { key: "rows", title: "Rows", numeric: true, cell: (each) => count(each.rows) },
    { key: "columns", title: "Features", numeric: true, cell: (each) => count(each.columns) },
    { key: "target", title: "Target", cell: (each) => each.target?.names.join(", ") ?? "" },
    { key: "classes", title: "Classes", numeric: true, cell: (each) => (each.target?.classes ? classCount(each.target.classes) : "–") },
    { key: "missing", title: "Missing values", numeric: true, cell: (each) => count(each.missing) },
    { key: "size", title: "Size", numeric: true, cell: (each) => (each.size ? size(each.size) : "built in") },
    { key: "created", title: "Uploaded", cell: (each) => (each.created ? when(each.created) : "") },
    { key: "use", title: "", cell: (each) => h("a", { href: `/new?dataset=${encodeURIComponent(each.name)}` }, "Start a search") },
  ];
}
