/** Server-sent events over fetch: EventSource tells nothing of why it failed, and cannot begin after a given event. */

import { connection, reportLost } from "./api.js";
import { outward } from "./base.js";

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {string} event
 * @property {any} data
 */

/**
 * Take complete messages off the front of a buffer.
 * @param {string} buffer
 * @returns {{messages: Message[], rest: string}}
 */
export function parseMessages(buffer) {
  const blocks = buffer.replaceAll("\r\n", "\n").split("\n\n");
  const rest = blocks.pop() ?? "";
  const messages = [];
  for (const block of blocks) {
    let id = "";
    let event = "message";
    let data = "";
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon <= 0) continue;
      const field = line.slice(0, colon);
      const value = line.slice(colon + 1).replace(/^ /, "");
      if (field === "id") id = value;
      else if (field === "event") event = value;
      else if (field === "data") data += (data ? "\n" : "") + value;
    }
    if (data) messages.push({ id, event, data: JSON.parse(data) });
  }
  return { messages, rest };
}

/**
 * Follow a stream until `signal` is aborted; it resumes after the last event seen whenever it breaks.
 * @param {string} path below /api/v1
 * @param {(message: Message) => void} listener
 * @param {AbortSignal} signal
 * @returns {Promise<void>} when there is nothing more to follow
 */
export function follow(path, listener, signal) {
  let last = "";
  async function once() {
    const resume = last ? { "Last-Event-ID": last } : {};
    const answer = await fetch(outward(`/api/v1${path}`), { signal, headers: { Accept: "text/event-stream", ...resume } });
    if (!answer.ok || !answer.body) return answer.status;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return 200;
      const { messages, rest } = parseMessages(buffer + value);
      buffer = rest;
      for (const message of messages) {
        if (message.id) last = message.id;
        listener(message);
      }
    }
  }
  async function run() {
    let wait = 500;
    while (!signal.aborted) {
      try {
        const status = await once();
        if (status === 204 || (status >= 400 && status < 500)) return; // nothing to follow: it has ended, or is not ours
        wait = 500;
      } catch {
        if (signal.aborted) return;
        reportLost();
        wait = Math.min(wait * 2, 4000);
      }
      await pause(wait, signal);
    }
  }
  return run();
}

/**
 * Wait, but no longer than until the server is back or the page is left.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      connection.removeEventListener("up", end);
      signal.removeEventListener("abort", end);
      resolve(undefined);
    };
    const timer = setTimeout(end, milliseconds);
    connection.addEventListener("up", end);
    signal.addEventListener("abort", end);
  });
}

/**
 * Make a function that runs `work` soon after it is asked, never twice at once, and not more often than the work itself
 * allows: it waits at least `least` ms and four times as long as the last run took, so a large search cannot choke the page.
 * @param {() => Promise<unknown>} work
 * @param {number} least
 * @param {AbortSignal} signal
 */
export function throttled(work, least, signal) {
  let busy = false;
  let wanted = false;
  async function run() {
    busy = true;
    while (wanted && !signal.aborted) {
      wanted = false;
      const begin = performance.now();
      try {
        await work();
      } catch (error) {
        window.reportError(error); // seen in the console; the next event draws again
      }
      const took = performance.now() - begin;
      await new Promise((resolve) => setTimeout(resolve, Math.max(least, 4 * took)));
    }
    busy = false;
  }
  return () => {
    wanted = true;
    if (!busy) void run();
  };
}
