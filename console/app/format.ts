// Times, counts and money as people read them, in the language of their browser.
const LANGUAGE = navigator.language;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

const TIME = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "full", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(LANGUAGE, { weekday: "long", day: "numeric", month: "long" });
const COUNT = new Intl.NumberFormat(LANGUAGE, { notation: "compact", maximumFractionDigits: 1 });

/** How long ago, in few letters. */
export function ago(at: string, now = Date.now()): string {
  const passed = now - Date.parse(at);
  if (passed < MINUTE_MS) return "now";
  if (passed < HOUR_MS) return `${Math.floor(passed / MINUTE_MS)} min`;
  if (passed < DAY_MS) return `${Math.floor(passed / HOUR_MS)} h`;
  if (passed < WEEK_MS) return `${Math.floor(passed / DAY_MS)} d`;
  return DATE.format(Date.parse(at));
}

export const time = (at: string): string => TIME.format(Date.parse(at));
export const full = (at: string): string => FULL.format(Date.parse(at));
export const count = (many: number): string => COUNT.format(many);

/** `Today`, `Yesterday`, or the day. */
export function day(at: string): string {
  const start = (of: number) => new Date(of).setHours(0, 0, 0, 0);
  const days = Math.round((start(Date.now()) - start(Date.parse(at))) / DAY_MS);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : DAY.format(Date.parse(at));
}

export function money(price: { amount: number; currency: string }): string {
  const format = new Intl.NumberFormat(LANGUAGE, { style: "currency", currency: price.currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const amount = price.amount / 10 ** digits;
  return Number.isInteger(amount)
    ? new Intl.NumberFormat(LANGUAGE, { style: "currency", currency: price.currency, maximumFractionDigits: 0 }).format(amount)
    : format.format(amount);
}

export function distance(metres: number): string {
  return metres < 1_000 ? `${Math.max(10, Math.round(metres / 10) * 10)} m` : `${(metres / 1_000).toFixed(metres < 10_000 ? 1 : 0)} km`;
}

/** `47.71° N, 9.22° E` */
export function degrees({ latitude, longitude }: { latitude: number; longitude: number }): string {
  const part = (value: number, [above, below]: [string, string]) => `${Math.abs(value).toFixed(2)}° ${value < 0 ? below : above}`;
  return `${part(latitude, ["N", "S"])}, ${part(longitude, ["E", "W"])}`;
}

/** `1 comment`, `2 comments`. */
export function some(many: number, one: string, several = `${one}s`): string {
  return `${count(many)} ${many === 1 ? one : several}`;
}

/** `Ada, Ben and Cleo`. */
export const all = new Intl.ListFormat("en", { type: "conjunction" });
