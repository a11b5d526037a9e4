// How much of the inbox is unread, and what is new in it.
import { signal } from "@preact/signals";
import { plaza, type Notification } from "./plaza";

export const unreadLines = signal({ unread: 0, more: false });
/** Lines that came since the page was opened, the last first. */
export const news = signal<readonly Notification[]>([]);

export async function readUnread(): Promise<void> {
  const { unread, more } = await plaza.rest.get("/v1/notifications/unread");
  unreadLines.value = { unread, more };
}

/** Says that everything up to `at` was seen, here and on all other devices. */
export async function markInboxRead(until: string): Promise<void> {
  const { unread, more } = await plaza.rest.put("/v1/notifications/read", { body: { until } });
  unreadLines.value = { unread, more };
}

/** Begins to listen. Called once. */
export function listen(): void {
  plaza.socket.on("notification.added", ({ notification }) => {
    news.value = [notification, ...news.peek().filter(({ id }) => id !== notification.id)];
    // A line that grows is one line still: only Plaza knows how many there are.
    void readUnread().catch(() => undefined);
  });
  plaza.socket.on("notifications.read", () => void readUnread().catch(() => undefined));
}

export function forget(): void {
  unreadLines.value = { unread: 0, more: false };
  news.value = [];
}
