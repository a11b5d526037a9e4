// Drawn on a grid of 24, with a pen of 1.8.
const PATHS = {
  home: "M4 11.2 12 4l8 7.2M6.2 9.6V19a1 1 0 0 0 1 1h3.3v-5.4h3V20h3.3a1 1 0 0 0 1-1V9.6",
  rooms: "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.4 3.7c-.5.4-1.1 0-1.1-.6V16A2 2 0 0 1 4 14z",
  search: "M10.8 17.6a6.8 6.8 0 1 0 0-13.6 6.8 6.8 0 0 0 0 13.6Zm5-1.8L20 20",
  inbox: "M12 4a5.6 5.6 0 0 0-5.6 5.6c0 4.3-1.9 5.6-1.9 6.9h15c0-1.3-1.9-2.6-1.9-6.9A5.6 5.6 0 0 0 12 4Zm-2 15.2a2.1 2.1 0 0 0 4 0",
  frames: "M8 7 3.5 12 8 17m8-10 4.5 5-4.5 5M13.6 5l-3.2 14",
  heart: "M12 19.6S4.3 15 4.3 9.4A4.1 4.1 0 0 1 12 7.3a4.1 4.1 0 0 1 7.7 2.1C19.7 15 12 19.6 12 19.6Z",
  comment: "M12 4.5c4.6 0 8 3 8 7s-3.4 7-8 7c-1 0-2-.1-2.9-.4L5 20l.9-3.6A6.6 6.6 0 0 1 4 11.5c0-4 3.4-7 8-7Z",
  share: "M6.5 17.500V9a2 2 0 0 1 2-2H15m-3-3 3 3-3 3M17.5 6.500V15a2 2 0 0 1-2 2H9m3 3-3-3 3-3",
  person: "M12 11.500a3.6 3.6 0 1 0 0-7.2 3.6 3.6 0 0 0 0 7.200ZM5 19.500c.6-3.6 3.3-5.5 7-5.500s6.4 1.9 7 5.5",
  trend: "m4 16 5-5 3.5 3.500L20 7m-5 0h5v5",
  tag: "M9.5 4.5 7.5 19.500M16.5 4.500l-2 15M5 9.500h14.500M4.5 14.500H19",
  spark: "M12 4.5 13.8 10.2 19.5 12 13.8 13.8 12 19.5 10.2 13.8 4.5 12 10.2 10.200Z",
  save: "M7 4.5h10a.8.8 0 0 1 .8.8V20L12 15.8 6.2 20V5.3a.8.8 0 0 1 .8-.8Z",
  less: "M4.5 12S7.2 6.8 12 6.8 19.5 12 19.5 12 16.8 17.2 12 17.2 4.5 12 4.5 12ZM5 19 19 5",
  more: "m7 10 5 5 5-5",
  back: "m14.5 6-6 6 6 6",
  next: "m9.5 6 6 6-6 6",
  close: "m6.5 6.5 11 11m0-11-11 11",
  send: "M5 12.2 19.5 5l-5.3 14.5-2.7-5.8z",
  near: "M12 20.5s6.5-5.5 6.5-10.7a6.5 6.5 0 0 0-13 0C5.5 15 12 20.5 12 20.5Zm0-8.3a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8Z",
  out: "M14 8V5.8a1.3 1.3 0 0 0-1.3-1.3H6.3A1.3 1.3 0 0 0 5 5.8v12.4a1.3 1.3 0 0 0 1.3 1.3h6.4a1.3 1.3 0 0 0 1.3-1.3V16m-4-4h10m-3-3 3 3-3 3",
  reply: "M9.5 7 5 11.5 9.5 16M5.4 11.5H14a5 5 0 0 1 5 5V18",
  bin: "M5 7h14M10 7V4.8h4V7m-7.5 0 .8 12.2h9.4L17.5 7",
  pause: "M9 6v12m6-12v12",
  play: "m8.5 5.5 10 6.5-10 6.5z",
  lock: "M7 11V8.5a5 5 0 0 1 10 0V11m-10.5 0h11v8.5h-11z",
  picture: "M4.5 6.5A1.5 1.5 0 0 1 6 5h12a1.5 1.5 0 0 1 1.5 1.5v11A1.5 1.5 0 0 1 18 19H6a1.5 1.5 0 0 1-1.5-1.5zm.2 10L9 12l3.5 3.5L15 13l4.3 4.2M15.5 9.5v.1",
  plus: "M12 5.5v13M5.5 12h13",
  smile: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Zm-3.4-6.6a4 4 0 0 0 6.8 0M9.3 9.7v.1m5.4-.1v.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 22, filled = false }: { name: IconName; size?: number; filled?: boolean }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={filled ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" fill="#b4431a" />
      <g fill="#fff">
        <path d="M7 9a2 2 0 0 1 2-2h5.2v3.1a6.2 6.2 0 0 0-4.1 4.1H7z" opacity=".72" />
        <path d="M25 9a2 2 0 0 0-2-2h-5.2v3.1a6.2 6.2 0 0 1 4.1 4.1H25z" />
        <path d="M7 23a2 2 0 0 0 2 2h5.2v-3.1a6.2 6.2 0 0 1-4.1-4.1H7z" />
        <path d="M25 23a2 2 0 0 1-2 2h-5.2v-3.1a6.2 6.2 0 0 0 4.1-4.1H25z" opacity=".72" />
        <circle cx="16" cy="16" r="3.4" />
      </g>
    </svg>
  );
}
