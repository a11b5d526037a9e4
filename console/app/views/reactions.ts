import type { Reaction } from "../plaza";

export const REACTIONS: readonly { id: Reaction; emoji: string; word: string }[] = [
  { id: "like", emoji: "👍", word: "Like" },
  { id: "love", emoji: "❤️", word: "Love" },
  { id: "laugh", emoji: "😂", word: "Laugh" },
  { id: "wow", emoji: "😮", word: "Wow" },
  { id: "sad", emoji: "😢", word: "Sad" },
  { id: "angry", emoji: "😠", word: "Angry" },
];

export const emojiOf = (reaction: string): string => REACTIONS.find(({ id }) => id === reaction)?.emoji ?? "👍";
export const wordOf = (reaction: string): string => REACTIONS.find(({ id }) => id === reaction)?.word ?? "Reaction";
