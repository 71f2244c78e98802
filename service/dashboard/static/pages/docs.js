/** The reference of the API, made of what it says of itself (/api/v1/openapi.json). */

import { call, isAbort } from "../core/api.js";
import { SERVER } from "../core/base.js";
import { fill, h } from "../core/dom.js";
import { count } from "../core/format.js";
import { curl, limits, typeWords } from "../core/schema.js";
import { command, problem } from "../components/parts.js";

/** @typedef {import("../core/schema.js").OpenApi} OpenApi */
/** @typedef {import("../core/schema.js").Operation} Operation */
/** @typedef {import("../core/schema.js").Schema} Schema */
/** @typedef {{method: string, path: string, operation: Operation, words: string}} Route */

/** What people ask for first; other groups follow. */
const ORDER = ["searches", "trials", "steering", "figures", "events", "data sets", "trainers"];
const METHODS = ["get", "post", "put", "patch", "delete"];

/** @param {PageContext} context */
export async function page(context) {
  const { outlet, signal } = context;
  context.title("API");
  /** @type {OpenApi} */
  let document;
  try {
    document = await call("/openapi.json", { signal });
  } catch (error) {
    if (!isAbort(error)) fill(outlet, h("h1", null, "API"), problem(error));
    return;
  }
  const routes = routesOf(document);
  const schemas = document.components?.schemas ?? {};
  const search = h("input", { type: "search", placeholder: "Filter, such as trials or POST", "aria-label": "Filter the routes", value: context.query.get("q") ?? "" });
  const places = h("div", { class: "page" });
  search.addEventListener("input", () => context.setQuery({ q: search.value || null }));
  const draw = () => fill(places, groups(routes, context.query.get("q") ?? ""));
  context.onQuery(draw);
  fill(
    outlet,
    h("div", { class: "pagehead" }, h("h1", null, "API"), h("span", { class: "muted" }, `version ${document.info.version}, ${count(routes.length)} routes`)),
    h("p", { class: "intro" }, "JSON over HTTP. Errors are returned as ", schemaLink("Problem"), ", with a remedy per field (RFC 9457). If a token is required, send ", h("code", null, "Authorization: Bearer TOKEN"), ". Machine-readable: ", h("a", { href: "/api/v1/openapi.json" }, "openapi.json"), "."),
    h("div", { class: "filters" }, search),
    places,
    h("section", { class: "card", "aria-label": "Schemas" }, h("div", { class: "cardhead" }, h("h2", null, "Schemas")), Object.keys(schemas).sort().map((name) => schemaFold(name, schemas[name] ?? {}))),
  );
  draw();
}

/**
 * @param {OpenApi} document
 * @returns {Route[]}
 */
function routesOf({ paths }) {
  return Object.entries(paths).flatMap(([path, operations]) =>
    METHODS.flatMap((method) => {
      const operation = operations[method];
      return operation ? [{ method, path, operation, words: `${method} ${path} ${operation.summary ?? ""}`.toLowerCase() }] : [];
    }),
  );
}

/**
 * @param {Route[]} routes
 * @param {string} wanted
 */
function groups(routes, wanted) {
  const parts = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = routes.filter(({ words }) => parts.every((part) => words.includes(part)));
  if (!found.length) return [h("p", { class: "muted" }, "No route has all of these words.")];
  const place = (/** @type {string} */ tag) => (ORDER.indexOf(tag) + ORDER.length + 1) % (ORDER.length + 1);
  const tags = [...new Set(found.map(({ operation }) => operation.tags?.[0] ?? "more"))].sort((a, b) => place(a) - place(b));
  return tags.map((tag) => h("section", { class: "card", "aria-label": tag }, h("div", { class: "cardhead" }, h("h2", null, tag)), found.filter(({ operation }) => (operation.tags?.[0] ?? "more") === tag).map(routeFold)));
}

/** @param {Route} route */
function routeFold({ method, path, operation }) {
  const fold = h("details", { class: "route" }, h("summary", null, h("span", { class: `method ${method}` }, method.toUpperCase()), h("code", null, path), h("span", { class: "muted" }, operation.summary ?? "")));
  fold.addEventListener("toggle", () => fold.childElementCount > 1 || fold.append(routeBody(method, path, operation)));
  return fold;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 */
function routeBody(method, path, operation) {
  const parameters = operation.parameters ?? [];
  const answers = Object.entries(operation.responses).filter(([status]) => status !== "default" && status !== "422");
  return h(
    "div",
    { class: "routebody" },
    operation.description ? h("p", null, operation.description) : null,
    parameters.length ? members(parameters.map(({ name, schema, required, description, in: place }) => ({ name, schema: { ...schema, ...(description ? { description } : {}) }, note: [place, required ? "required" : ""].filter(Boolean).join(", ") })), `Parameters of ${path}`) : null,
    operation.requestBody ? h("p", null, h("strong", null, "Body "), contents(operation.requestBody.content), operation.requestBody.description ? `. ${operation.requestBody.description}` : "") : null,
    answers.map(([status, answer]) => h("p", null, h("strong", null, `${status} `), contents(answer.content))),
    command(curl(method, path, operation, SERVER)),
  );
}

/** @param {Record<string, {schema?: Schema}> | undefined} content */
function contents(content) {
  const kinds = Object.entries(content ?? {});
  if (!kinds.length) return "without a body";
  return kinds.flatMap(([media, { schema }], index) => [index ? ", or " : "", ...(schema && Object.keys(schema).length ? typeNodes(schema) : [media]), media === "application/json" || !schema || !Object.keys(schema).length ? "" : ` as ${media}`]);
}

/**
 * @param {string} name
 * @param {Schema} schema
 */
function schemaFold(name, schema) {
  const fold = h("details", { class: "route", id: `schema-${name}` }, h("summary", null, h("code", null, name), h("span", { class: "muted" }, schema.description?.split("\n")[0] ?? "")));
  fold.addEventListener("toggle", () => {
    if (fold.childElementCount > 1) return;
    const needed = new Set(schema.required ?? []);
    const rows = Object.entries(schema.properties ?? {}).map(([member, each]) => ({ name: member, schema: each, note: needed.has(member) ? "required" : "" }));
    fold.append(h("div", { class: "routebody" }, rows.length ? members(rows, `Members of ${name}`) : h("p", null, typeNodes(schema))));
  });
  return fold;
}

/**
 * @param {{name: string, schema: Schema, note: string}[]} rows
 * @param {string} title
 */
function members(rows, title) {
  return h(
    "div",
    { class: "tablebox", tabindex: "0", role: "region", "aria-label": title },
    h("table", { class: "members" }, h("tbody", null, rows.map(({ name, schema, note }) => h("tr", null, h("th", { scope: "row" }, h("code", null, name)), h("td", null, typeNodes(schema)), h("td", { class: "muted" }, [note, limits(schema)].filter(Boolean).join(", ")), h("td", null, schema.description ?? ""))))),
  );
}

/** @param {Schema} schema */
function typeNodes(schema) {
  return typeWords(schema).map(({ text, schema: name }) => (name ? schemaLink(name) : text));
}

/** @param {string} name */
function schemaLink(name) {
  return h("a", { href: `#schema-${name}`, onclick: (/** @type {Event} */ event) => openSchema(event, name) }, name);
}

/**
 * @param {Event} event
 * @param {string} name
 */
function openSchema(event, name) {
  const fold = /** @type {HTMLDetailsElement | null} */ (document.getElementById(`schema-${name}`));
  if (!fold) return;
  event.preventDefault();
  fold.open = true;
  fold.scrollIntoView({ block: "center" });
  fold.querySelector("summary")?.focus();
}
