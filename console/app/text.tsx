// Text with its mentions, hashtags and highlights. Plaza counts code points, JavaScript counts halves of some of them.
import type { ComponentChildren } from "preact";
import { people } from "./people";
import { link } from "./route";

interface Span {
  start: number;
  end: number;
}

interface Props {
  text: string;
  mentions?: (Span & { user: string })[];
  hashtags?: (Span & { tag: string })[];
  highlights?: Span[];
}

/** A text cut at each border of a span; every piece knows which spans it is in. */
export function Text({ text, mentions = [], hashtags = [], highlights = [] }: Props) {
  const points = Array.from(text);
  const borders = new Set([0, points.length]);
  for (const { start, end } of [...mentions, ...hashtags, ...highlights]) borders.add(start).add(end);
  const cuts = [...borders].filter((at) => at <= points.length).sort((a, b) => a - b);
  const covers = (start: number) => (span: Span) => span.start <= start && start < span.end;
  return (
    <>
      {cuts.slice(0, -1).map((start, at) => {
        let piece: ComponentChildren = points.slice(start, cuts[at + 1]).join("");
        if (highlights.some(covers(start))) piece = <mark>{piece}</mark>;
        const mention = mentions.find(covers(start));
        const hashtag = hashtags.find(covers(start));
        if (mention) return <a key={start} href={link("people", people.peek().get(mention.user)?.handle ?? mention.user)}>{piece}</a>;
        if (hashtag) return <a key={start} href={link("tags", hashtag.tag)}>{piece}</a>;
        return piece;
      })}
    </>
  );
}
