// Pictures on their way to Plaza: part by part, on from where it stands after a failure, then looked at until they can be shown.
import { PlazaError, type Schemas } from "@plaza/client";
import { plaza } from "./plaza";

/** What Plaza takes as a picture. */
export const PICTURES = ["image/jpeg", "image/png", "image/webp", "image/gif"] as const;
const PART_BYTES = 1024 * 1024;
/** How often in a row a part may fail before the upload is given up. */
const FAILURES_MAX = 4;
const LOOK_EVERY_MS = 250;

const REASONS: Record<NonNullable<Schemas["Media"]["reason"]>, string> = {
  type_unsupported: "This is no picture that Plaza knows.",
  too_large: "This picture is too large.",
  too_many_pixels: "This picture has too many pixels.",
  broken: "This picture is broken.",
  failed: "This picture could not be read.",
};

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Uploads a picture; done when content may show it, under the id that it returns. */
export async function upload(file: File, signal: AbortSignal): Promise<string> {
  const type = file.type as (typeof PICTURES)[number];
  const media = await plaza.rest.post("/v1/media", { body: { type, bytes: file.size }, signal });
  const path = { media: media.id };
  signal.addEventListener("abort", () => void plaza.rest.delete("/v1/media/{media}", { path }).catch(() => undefined));
  const part = Math.max(media.part_bytes_min ?? 0, Math.min(PART_BYTES, media.part_bytes_max ?? PART_BYTES));
  let offset = media.received;
  for (let failures = 0; offset < file.size; ) {
    try {
      const end = Math.min(file.size, offset + part);
      await plaza.rest.patch("/v1/media/{media}", { path, headers: { "upload-offset": String(offset) }, body: file.slice(offset, end), signal });
      [offset, failures] = [end, 0];
    } catch (error) {
      failures += 1;
      if (!(error instanceof PlazaError) || !error.retry || failures >= FAILURES_MAX) throw error;
      // Whether the part was kept is unknown.
      offset = (await plaza.rest.get("/v1/media/{media}", { path, signal })).received;
    }
  }
  for (;;) {
    const { state, reason } = await plaza.rest.get("/v1/media/{media}", { path, signal });
    if (state === "ready") return media.id;
    if (state === "refused") throw new Refused(REASONS[reason ?? "failed"] ?? REASONS.failed);
    await rest(LOOK_EVERY_MS);
  }
}

/** Plaza has looked at it, and does not want it. */
export class Refused extends Error {}
