/** Making and updating elements. Text is always set as text, so nothing from the server can become markup. */

import { outward } from "./base.js";

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | Child[]} Children */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} node
 * @param {Record<string, any>} props
 */
function assign(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") setStyle(/** @type {HTMLElement} */ (node), value);
    else if (name === "value" || name === "checked" || name === "selected") Reflect.set(node, name, value);
    else if (name === "href") node.setAttribute(name, outward(String(value)));
    else node.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Set properties one by one: the content security policy refuses style attributes.
 * @param {HTMLElement | SVGElement} node
 * @param {Record<string, string | number>} properties
 */
export function setStyle(node, properties) {
  for (const [name, value] of Object.entries(properties)) node.style.setProperty(name, String(value));
}

/**
 * @param {Node} node
 * @param {Children[]} children
 */
function append(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Make an HTML element: h("a", {href: "/", class: "quiet"}, "Searches").
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any> | null} [props]
 * @param {...Children} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  if (props) assign(node, props);
  append(node, children);
  return node;
}

/**
 * Make an SVG element.
 * @param {string} tag
 * @param {Record<string, any> | null} [props]
 * @param {...Children} children
 * @returns {SVGElement}
 */
export function svg(tag, props, ...children) {
  const node = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  if (props) assign(node, props);
  append(node, children);
  return node;
}

/**
 * Replace what is inside a node.
 * @param {Element} node
 * @param {...Children} children
 */
export function fill(node, ...children) {
  node.textContent = "";
  append(node, children);
}

/**
 * Set the text of a node, touching the document only when it differs.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Make the children of `parent` follow `items`: nodes are kept by key, moved, added and removed, never rebuilt.
 * @template I
 * @param {Element} parent
 * @param {I[]} items
 * @param {(item: I) => string} keyOf
 * @param {(item: I) => HTMLElement} create
 * @param {(node: HTMLElement, item: I) => void} update
 */
export function keyed(parent, items, keyOf, create, update) {
  /** @type {Map<string, HTMLElement>} */
  const old = new Map();
  for (const child of [...parent.children]) old.set(/** @type {HTMLElement} */ (child).dataset.key ?? "", /** @type {HTMLElement} */ (child));
  /** @type {Element | null} */
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let node = old.get(key);
    if (!node) {
      node = create(item);
      node.dataset.key = key;
    }
    old.delete(key);
    update(node, item);
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  for (const node of old.values()) node.remove();
}

/**
 * A line icon of 16 x 16 drawn from one path.
 * @param {string} path
 */
export function icon(path) {
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: path }));
}
