// Takes the pictures of the README, from a Plaza with its demo community.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DEMO, open, person, visit } from "./browser.mjs";
import { serve } from "./serve.mjs";

const FOLDER = fileURLToPath(new URL("../pictures/", import.meta.url));
const DESKTOP = { viewport: { width: 1360, height: 850 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

const TYPED_EVERY_MS = 600;

mkdirSync(FOLDER, { recursive: true });
const plaza = await serve();
const browser = await open();
const [wanda, amara, maya] = DEMO;

/** Once what is in sight has its pictures, and nothing moves. */
async function take(page, name) {
  await page.waitForFunction(() => document.fonts.status === "loaded" && !document.querySelector(".skeleton") &&
    [...document.images].every((it) => it.complete || it.getBoundingClientRect().top > innerHeight));
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${FOLDER}${name}.png` });
}

try {
  const light = await person(browser, plaza.url, wanda, { ...DESKTOP, colorScheme: "light" });
  await light.getByRole("article").first().waitFor();
  await take(light, "feed");

  const dark = await person(browser, plaza.url, amara, { ...DESKTOP, colorScheme: "dark" });
  await dark.getByRole("button", { name: "Frames" }).click();
  await visit(dark, `#/people/${wanda.handle}`);
  await dark.getByRole("button", { name: "Message" }).click();
  await dark.getByRole("log").waitFor();
  await visit(light, await dark.evaluate(() => location.hash));
  const say = async (page, words) => {
    await page.getByRole("textbox", { name: /^Write to/ }).fill(words);
    await page.keyboard.press("Enter");
    await dark.getByRole("log").getByText(words).waitFor();
  };
  await light.getByRole("log").waitFor();
  await say(light, "The lake is frozen! Skating on Sunday?");
  await say(dark, "Yes! I bring tea, you bring the thermos.");
  await dark.locator("[data-receipt=Seen]").waitFor();
  // Typing is told every few seconds at most.
  await light.getByRole("textbox", { name: /^Write to/ }).pressSequentially("Deal, then", { delay: TYPED_EVERY_MS });
  await dark.getByText("Wanda Visser is typing").waitFor();
  await take(dark, "room-dark");

  const phone = await person(browser, plaza.url, maya, { ...PHONE, colorScheme: "light" });
  await phone.getByRole("article").first().waitFor();
  await take(phone, "phone");
} finally {
  await browser.close();
  await plaza.stop();
}
