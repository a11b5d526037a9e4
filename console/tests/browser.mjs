// A real Chromium, and people who sit in front of it.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

/** Debian's Chromium, kept from asking anybody but Plaza for anything. */
const FLAGS = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
/** Longest wait for anything to show up. */
export const DEADLINE_MS = 60_000;

const { people, password } = JSON.parse(readFileSync(new URL("../app/demo.json", import.meta.url), "utf8"));
export const DEMO = people;
export const PASSWORD = password;

export function open() {
  const args = process.getuid?.() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS;
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
}

/** A window with nobody in it. What goes wrong in the page is kept in `faults`. */
export async function window(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce", locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // What Plaza refuses is told there as well, and what finds no connection: no faults of the page.
    const told = /^(Failed to load resource|WebSocket connection to )/;
    if (message.type() === "error" && !told.test(message.text())) page.faults.push(message.text());
  });
  page.on("request", (request) => {
    // What the page itself has made is at `blob:` and its own address.
    if (!request.url().replace(/^blob:/, "").startsWith(url)) page.faults.push(`asked somebody else: ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

/** A window in which somebody of the demo has come in. */
export async function person(browser, url, { name }, options) {
  const page = await window(browser, url, options);
  await page.getByRole("button", { name }).click();
  await page.getByRole("navigation", { name: "Plaza" }).waitFor();
  return page;
}

/** Goes to a view as a link would. */
export async function visit(page, hash) {
  await page.evaluate((to) => { location.hash = to; }, hash);
}
