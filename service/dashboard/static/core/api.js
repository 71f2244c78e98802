/** The public REST API: one function for a call, one error shape, and what is known of the connection. */

import { outward } from "./base.js";

const ROOT = "/api/v1";

/** An answer that refuses: what the server says, field by field, with its remedies. */
export class ApiError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
    this.status = problem.status;
  }
}

/** Tells of the connection to the server by the events "down", "up" and "denied". */
export const connection = new EventTarget();
let isDown = false;

/** @param {boolean} down */
function setDown(down) {
  if (down === isDown) return;
  isDown = down;
  connection.dispatchEvent(new Event(down ? "down" : "up"));
  if (down) void waitForServer();
}

async function waitForServer() {
  while (isDown) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    try {
      const answer = await fetch(outward("/livez"), { cache: "no-store" });
      if (answer.ok) setDown(false);
    } catch {
      continue; // still away: the banner says so, and we ask again
    }
  }
}

/** Say that a request found no server. */
export function reportLost() {
  setDown(true);
}

/**
 * Sign in: the server keeps the token in a cookie that scripts cannot read.
 * @param {string} token
 */
export function signIn(token) {
  return call("/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
}

/**
 * @param {Response} answer
 * @returns {Promise<Problem>}
 */
async function problemOf(answer) {
  const text = await answer.text();
  try {
    const problem = JSON.parse(text);
    if (problem && typeof problem === "object" && "title" in problem) return problem;
  } catch {
    // not JSON: a proxy or a crash answered, so its text is all there is to show
  }
  return { type: "about:blank", title: `The server answered ${answer.status}`, status: answer.status, detail: text.slice(0, 300) };
}

/**
 * @typedef {object} CallOptions
 * @property {string} [method]
 * @property {unknown} [json]
 * @property {BodyInit} [body]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/**
 * Send a request and return the answer itself.
 * @param {string} path below /api/v1
 * @param {CallOptions} [options]
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  const { method = "GET", json, body, headers = {}, signal } = options;
  const sent = json === undefined ? body : JSON.stringify(json);
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(outward(ROOT + path), { method, body: sent ?? null, headers: { ...type, ...headers }, signal: signal ?? null });
  } catch (error) {
    if (!signal?.aborted) reportLost();
    throw error;
  }
  setDown(false);
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401) connection.dispatchEvent(new Event("denied"));
  throw new ApiError(problem);
}

/**
 * Send a request and return its JSON.
 * @template [T=any]
 * @param {string} path
 * @param {CallOptions} [options]
 * @returns {Promise<T>}
 */
export async function call(path, options) {
  const answer = await request(path, options);
  return answer.status === 204 ? /** @type {T} */ (null) : answer.json();
}

/**
 * @param {string} path
 * @param {Record<string, string | number | string[] | null | undefined>} query empty values are left out, lists are repeated
 */
export function withQuery(path, query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") search.append(name, String(each));
    }
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/**
 * Whether an error only says that the page was left while it waited.
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}
