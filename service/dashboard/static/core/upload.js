/** Sending a file with word of how far it is: fetch cannot tell that, XMLHttpRequest can. */

import { ApiError, reportLost } from "./api.js";
import { outward } from "./base.js";

/**
 * @param {string} path below /api/v1
 * @param {Blob} file
 * @param {{progress: (share: number) => void, signal: AbortSignal}} options
 * @returns {Promise<any>}
 */
export function upload(path, file, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", outward(`/api/v1${path}`));
    sending.setRequestHeader("Content-Type", "application/octet-stream");
    sending.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    sending.onload = () => {
      if (sending.status < 300) resolve(JSON.parse(sending.responseText));
      else reject(new ApiError(problemOf(sending)));
    };
    sending.onerror = () => {
      reportLost();
      reject(new Error("The connection was lost during the upload. Send the file again when the server is back."));
    };
    sending.onabort = () => reject(new DOMException("left the page", "AbortError"));
    signal.addEventListener("abort", () => sending.abort());
    sending.send(file);
  });
}

/**
 * @param {XMLHttpRequest} sending
 * @returns {Problem}
 */
function problemOf(sending) {
  try {
    return JSON.parse(sending.responseText);
  } catch {
    return { type: "about:blank", title: `The server answered ${sending.status}`, status: sending.status, detail: sending.responseText.slice(0, 300) };
  }
}
