/** Commands in words. */

import { label, text } from "./format.js";

/**
 * A command in words: "learning rate 0.05 → 0.01".
 * @param {Command} command
 */
export function commandText(command) {
  const { kind, before, after } = command;
  const args = /** @type {Record<string, any>} */ (command.arguments);
  if (kind === "set") return Object.entries(after ?? args).map(([name, value]) => `${label(name)}${before && name in before ? ` ${text(before[name])}` : ""} → ${text(value)}`).join(", ");
  if (kind === "rewind" || kind === "fork") return `${kind} at epoch ${args.epoch ?? "?"}`;
  if (kind === "extend") return `extend to ${args.epochs ?? args.changes?.epochs ?? "?"} epochs`;
  if (kind === "note") return `note: ${args.text ?? ""}`;
  return kind;
}
