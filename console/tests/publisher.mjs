// Somebody without a window, who publishes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DEADLINE_MS, PASSWORD } from "./browser.mjs";

export const PICTURE = readFileSync(new URL("harbour.png", import.meta.url));

/** Registers, and returns how to post as them. */
export async function publisher(url, handle) {
  const as = (token) => {
    const ask = (method, path, body, headers) => answer(method, url + path, token, body, headers);
    const post = (path, body) => ask("POST", path, JSON.stringify(body), { "content-type": "application/json" });
    return Object.assign(post, { ask });
  };
  const { tokens } = await as()("/v1/accounts", { handle, name: "Cleo", password: PASSWORD });
  return as(tokens.access_token);
}

async function answer(method, address, token, body, headers = {}) {
  const answer = await fetch(address, { method, body, headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } });
  assert.ok(answer.ok, `${method} ${address}: ${answer.status}`);
  return answer.status === 204 ? undefined : answer.json();
}

/** A picture of theirs, ready to be shown. */
export async function picture(post) {
  const { id } = await post("/v1/media", { type: "image/png", bytes: PICTURE.length });
  const headers = { "content-type": "application/offset+octet-stream", "upload-offset": "0" };
  await post.ask("PATCH", `/v1/media/${id}`, PICTURE, headers);
  const deadline = Date.now() + DEADLINE_MS;
  while ((await post.ask("GET", `/v1/media/${id}`)).state !== "ready") assert.ok(Date.now() < deadline, "the picture is ready in time");
  return id;
}
