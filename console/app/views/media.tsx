// Pictures and videos, in the size that fits.
import { useSignal } from "@preact/signals";
import type { Content } from "../plaza";

export type Attachment = NonNullable<Content["media"]>[number];

const isVideo = (attachment: Attachment) => attachment.type.startsWith("video/");

/** The pictures that there are of it, smallest first. */
const stills = (attachment: Attachment) => attachment.renditions.filter(({ type }) => type.startsWith("image/"));

interface Props {
  attachment: Attachment;
  /** What it shows, as far as words beside it tell. */
  label: string;
  sizes?: string;
}

export function Media({ attachment, label, sizes = "(max-width: 820px) 100vw, 600px" }: Props) {
  const gone = useSignal(false);
  const pictures = stills(attachment);
  const largest = pictures.at(-1);
  if (gone.value) return <div class="media-gone">This picture is no longer there.</div>;
  if (isVideo(attachment)) {
    const film = attachment.renditions.find(({ name }) => name === "video");
    return film ? (
      <video controls playsInline preload="metadata" src={film.url} {...(largest ? { poster: largest.url } : {})} aria-label={label} width={attachment.width} height={attachment.height} onError={() => (gone.value = true)} />
    ) : null;
  }
  if (!largest) return null;
  return (
    <img
      src={largest.url}
      srcset={pictures.filter(({ width }) => width).map(({ url, width }) => `${url} ${width}w`).join(", ")}
      sizes={sizes}
      alt={label}
      width={attachment.width}
      height={attachment.height}
      loading="lazy"
      decoding="async"
      onError={() => (gone.value = true)}
    />
  );
}

/** Up to four side by side; the rest is counted. */
const SHOWN_MAX = 4;

export function Gallery({ media, label }: { media: Attachment[]; label: string }) {
  const shown = media.slice(0, SHOWN_MAX);
  return (
    <div class={`gallery of-${shown.length}`}>
      {shown.map((attachment, at) => (
        <figure key={attachment.id}>
          <Media attachment={attachment} label={media.length > 1 ? `${label}, ${at + 1} of ${media.length}` : label} />
          {at === SHOWN_MAX - 1 && media.length > SHOWN_MAX && <figcaption>+{media.length - SHOWN_MAX}</figcaption>}
        </figure>
      ))}
    </div>
  );
}
