// The page in a real Chromium, on a real Plaza with its demo community.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { accessible } from "./accessible.mjs";
import { DEMO, PASSWORD, open, person, visit, window } from "./browser.mjs";
import { PICTURE, picture, publisher } from "./publisher.mjs";
import { serve } from "./serve.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const [wanda, amara, maya, mira] = DEMO;

let plaza;
let browser;
const pages = [];
before(async () => {
  plaza = await serve();
  browser = await open();
});
after(async () => {
  await browser?.close();
  await plaza?.stop();
});
afterEach(async () => {
  const faults = pages.flatMap((page) => page.faults);
  await Promise.all(pages.splice(0).map((page) => page.context().close()));
  assert.deepEqual(faults, [], "no fault in any window, nothing asked of anybody else");
});

async function enter(who, options) {
  const page = await person(browser, plaza.url, who, options);
  pages.push(page);
  return page;
}

/** The room of two, open in both windows. */
async function together(one, other, name) {
  await visit(one, `#/people/${name.handle}`);
  await one.getByRole("button", { name: "Message" }).click();
  await one.getByRole("log").waitFor();
  const hash = await one.evaluate(() => location.hash);
  await visit(other, hash);
  await other.getByRole("log").waitFor();
}

test("two people in two windows see each other come, type, write and read", async () => {
  const [one, other] = [await enter(wanda), await enter(amara)];
  await together(one, other, amara);
  await one.getByRole("log").getByRole("listitem").first().waitFor();
  await one.locator(".conversation .presence", { hasText: "online" }).waitFor();

  const words = `Is the lake frozen? ${Date.now()}`;
  await other.getByRole("textbox", { name: /^Write to/ }).pressSequentially("I");
  await one.getByText("Amara Kaya is typing").waitFor();
  await other.getByRole("textbox", { name: /^Write to/ }).fill(words);
  await other.keyboard.press("Enter");
  await one.getByRole("log").getByText(words).waitFor();
  await other.locator("[data-receipt=Seen]").waitFor();
  // What was written is no longer typed. Signals give way to events, so the last word of typing may come after the message.
  await one.getByText("is typing").waitFor({ state: "detached" });
  assert.equal(await other.getByRole("log").getByText(words).count(), 1, "shown once to whom wrote it");

  const line = one.getByRole("log").locator("li.message", { hasText: words });
  await line.hover();
  await line.getByRole("button", { name: "React with 👍 to Amara Kaya" }).click();
  await other.getByRole("log").locator("li.message", { hasText: words }).getByRole("button", { name: "👍, 1" }).waitFor();

  await one.context().close();
  pages.splice(pages.indexOf(one), 1);
  await other.locator(".conversation .presence", { hasText: "offline" }).waitFor();
});

test("what is written without a connection is sent once there is one, once", async () => {
  const [one, other] = [await enter(maya), await enter(mira)];
  await together(one, other, mira);
  await one.context().setOffline(true);
  await one.evaluate(() => dispatchEvent(new Event("offline")));
  const words = `Written in a tunnel ${Date.now()}`;
  await one.getByRole("textbox", { name: /^Write to/ }).fill(words);
  await one.keyboard.press("Enter");
  await one.getByRole("log").getByText(words).waitFor();
  await one.context().setOffline(false);
  await other.getByRole("log").getByText(words).waitFor();
  await one.locator("[data-receipt=Seen]").waitFor();
  for (const page of [one, other]) assert.equal(await page.getByRole("log").getByText(words).count(), 1);
});

test("what waits when the page is loaded anew is sent by the next page, once", async () => {
  const [one, other] = [await enter(maya), await enter(mira)];
  await together(one, other, mira);
  // Pages still come, sockets do not.
  let tunnel = true;
  await one.routeWebSocket(/\/v1\/socket$/, (socket) => { tunnel ? socket.close() : socket.connectToServer(); });
  await one.reload();
  const words = `Written before the reload ${Date.now()}`;
  await one.getByRole("textbox", { name: /^Write to/ }).fill(words);
  await one.keyboard.press("Enter");
  await one.getByRole("log").getByText(words).waitFor();
  await one.reload();
  await one.getByRole("log").getByText(words).waitFor();
  assert.equal(await other.getByRole("log").getByText(words).count(), 0, "it waits");
  tunnel = false;
  await one.reload();
  await other.getByRole("log").getByText(words).waitFor();
  await one.locator("[data-receipt=Seen]").waitFor();
  for (const page of [one, other]) assert.equal(await page.getByRole("log").getByText(words).count(), 1);
  assert.deepEqual(await one.evaluate(() => Object.keys(sessionStorage)), ["plaza"], "nothing waits any more");
});

test("what happened between a page's reading and its first connection is shown once it is connected", async () => {
  const [one, other] = [await enter(maya), await enter(mira)];
  await visit(one, `#/people/${mira.handle}`);
  await one.getByRole("button", { name: "Message" }).click();
  const words = `Written and left ${Date.now()}`;
  await one.getByRole("textbox", { name: /^Write to/ }).fill(words);
  await one.keyboard.press("Enter");
  await one.locator("[data-receipt]").waitFor();
  const hash = await one.evaluate(() => location.hash);
  let tunnel = true;
  await one.routeWebSocket(/\/v1\/socket$/, (socket) => { tunnel ? socket.close() : socket.connectToServer(); });
  await one.reload();
  await one.locator("[data-receipt]").waitFor();
  assert.equal(await one.locator("[data-receipt=Seen]").count(), 0, "nobody has looked yet");

  const told = new Promise((resolve) => {
    other.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => String(payload).includes('"receipt"') && resolve()));
  });
  await other.reload();
  await visit(other, hash);
  await other.getByRole("log").getByText(words).waitFor();
  await told;
  assert.equal(await one.locator("[data-receipt=Seen]").count(), 0, "it hears nothing yet");
  tunnel = false;
  await one.evaluate(() => dispatchEvent(new Event("online")));
  await one.locator("[data-receipt=Seen]").waitFor();
});

test("a picture is chosen, taken back, chosen again, and posted without a word", async () => {
  const page = await enter(amara);
  const harbour = { name: "harbour.png", mimeType: "image/png", buffer: PICTURE };
  await page.getByLabel("Picture", { exact: true }).setInputFiles(harbour);
  const chosen = page.getByRole("img", { name: "harbour.png" });
  await chosen.evaluate((it) => it.decode());
  await accessible(page, "a picture that is chosen");
  await page.getByRole("button", { name: "Without this picture" }).click();
  await chosen.waitFor({ state: "detached" });
  await page.getByLabel("Picture", { exact: true }).setInputFiles(harbour);
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await page.getByText("Posted.").waitFor();
  const posted = page.getByRole("list", { name: "For you" }).getByRole("article").first();
  await posted.getByRole("img", { name: "By Amara Kaya" }).evaluate((it) => it.decode());
  assert.equal(await chosen.count(), 0, "there is room for the next one");

  await page.getByLabel("Picture", { exact: true }).setInputFiles({ ...harbour, buffer: PICTURE.subarray(0, PICTURE.length / 2) });
  await page.getByText("This picture is broken.").waitFor();
  await chosen.waitFor({ state: "detached" });
});

test("a group is made of those whom one follows, and they find it among their rooms", async () => {
  const [one, other] = [await enter(wanda), await enter(amara)];
  await visit(other, "#/rooms");
  await other.locator(".room-list a").first().waitFor();
  await visit(one, "#/rooms");
  await one.getByRole("button", { name: "New group" }).click();
  const name = `Lanterns ${Date.now()}`;
  await one.getByRole("textbox", { name: "Name" }).fill(name);
  await one.getByRole("checkbox", { name: /Amara Kaya/ }).check();
  await accessible(one, "a new group");
  await one.getByRole("button", { name: "Create, with 1" }).click();
  await one.getByRole("log", { name: `Messages in ${name}` }).waitFor();
  await one.getByText("2 members").waitFor();
  await other.locator(".room-list").getByText(name).click();
  await other.getByRole("textbox", { name: /^Write to/ }).fill("Who brings matches?");
  await other.keyboard.press("Enter");
  await one.getByRole("log").getByText("Who brings matches?").waitFor();
});

test("reels are there to be watched, one after the other", async () => {
  const page = await enter(mira);
  await page.getByRole("link", { name: "Reels" }).click();
  const reel = page.getByRole("list", { name: "Reels" }).getByRole("article", { name: /^Reel by / }).first();
  await reel.locator("video").evaluate(async (it) => {
    // Listens first: on a slow machine a short video is over soon.
    const moves = new Promise((resolve) => { it.ontimeupdate = () => it.currentTime > 0 && resolve(); });
    await it.play();
    await moves;
  });
  await accessible(page, "reels");
});

test("a post is found in the feed, reacted to, commented on, and its author hears of it", async () => {
  const [author, reader] = [await enter(wanda), await enter(amara)];
  const words = `Lanterns over the harbour ${Date.now()} #lanterns`;
  await author.getByRole("textbox", { name: "Write a post" }).fill(words);
  await author.getByRole("button", { name: "Post", exact: true }).click();
  // By all of its words: others write of lanterns, too.
  const posted = { hasText: words.replace(" #lanterns", "") };
  await author.getByRole("article").filter(posted).first().waitFor();

  const card = reader.getByRole("article").filter(posted);
  await visit(reader, `#/people/${wanda.handle}`);
  await card.getByRole("button", { name: "Choose a reaction" }).click();
  await card.getByRole("group", { name: "Reactions" }).waitFor();
  await reader.keyboard.press("Tab");
  await reader.keyboard.press("Enter");
  await card.getByRole("button", { name: "Love" }).waitFor();
  await card.getByText("1 reaction").waitFor();
  await card.getByRole("button", { name: /^Comments/ }).click();
  await card.getByRole("textbox", { name: "Write a comment" }).fill("Like fireflies.");
  await reader.keyboard.press("Enter");
  await card.locator(".comment", { hasText: "Like fireflies." }).waitFor();

  await author.getByRole("link", { name: /^Inbox/ }).click();
  const inbox = author.getByRole("list", { name: "What concerns me" });
  await inbox.getByRole("listitem").filter({ hasText: "Amara Kaya reacted" }).first().waitFor();
  await inbox.getByRole("listitem").filter({ hasText: "Like fireflies." }).first().waitFor();
});

test("the ranked feed says why, shows less on wish, and goes on to the following feed", async () => {
  const page = await enter(mira);
  const list = page.getByRole("list", { name: "For you" });
  await list.getByRole("article").first().waitFor();
  assert.ok((await list.locator(".why").count()) > 0, "reasons are told");
  const before = await list.getByRole("article").count();
  await list.getByRole("button", { name: "Show me less like this" }).first().click();
  await page.getByText("You will see less like this.").waitFor();
  assert.equal(await list.getByRole("article").count(), before - 1);
  await page.getByRole("link", { name: "Following" }).click();
  await page.getByRole("list", { name: "What those whom I follow publish" }).getByRole("article").first().waitFor();
});

test("somebody new registers, and stories stand in their tray until they were looked at", async () => {
  const handle = `story_${Date.now().toString(36)}`;
  const teller = await publisher(plaza.url, handle);
  const page = await window(browser, plaza.url);
  pages.push(page);
  await page.getByRole("button", { name: "I am new here" }).click();
  await page.getByRole("textbox", { name: "Handle" }).fill(`${handle}_reader`);
  await page.getByRole("textbox", { name: "Name" }).fill("Dana");
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("navigation", { name: "Plaza" }).waitFor();
  await visit(page, `#/people/${handle}`);
  await page.getByRole("button", { name: "Follow", exact: true }).click();
  await page.getByRole("button", { name: "Following", exact: true }).waitFor();
  for (const text of ["Fog over the harbour", "And now the sun"]) {
    await teller("/v1/content", { kind: "story", media: await picture(teller), text });
  }

  await visit(page, "#/");
  const tray = page.getByRole("region", { name: "Stories" });
  await tray.getByRole("button", { name: /^Cleo ?, 2 stories, 2 new$/ }).click();
  const story = page.getByRole("dialog", { name: "Story of Cleo" });
  await story.getByRole("img", { name: "Fog over the harbour" }).evaluate((it) => it.decode());
  await accessible(page, "a story");
  await page.keyboard.press("ArrowRight");
  await story.getByRole("img", { name: "And now the sun" }).evaluate((it) => it.decode());
  await page.keyboard.press("Escape");
  await story.waitFor({ state: "hidden" });
  await tray.getByRole("button", { name: /^Cleo ?, 2 stories, seen$/ }).waitFor();
});

test("search completes names, forgives typos, and finds what is near", async () => {
  const page = await enter(maya, { geolocation: { latitude: 47.66, longitude: 9.18 }, permissions: ["geolocation"] });
  await page.getByRole("link", { name: "Search" }).click();
  const box = page.getByRole("combobox", { name: "Search" });
  await box.pressSequentially("@wan");
  await page.getByRole("option", { name: /Wanda Visser/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Wanda Visser" }).waitFor();

  await page.getByRole("link", { name: "Search" }).click();
  await page.getByRole("combobox", { name: "Search" }).fill("bicylce");
  await page.keyboard.press("Enter");
  await page.getByRole("list", { name: "What was found" }).getByText(/bicycle/i).first().waitFor();

  await visit(page, "#/search");
  await page.getByRole("button", { name: "Near me" }).click();
  await page.getByRole("button", { name: "For sale" }).click();
  const found = page.getByRole("list", { name: "What was found" });
  await found.getByRole("article").first().waitFor();
  assert.match((await found.locator(".place").first().textContent()) ?? "", /\d (m|km)$/);
});

test("the panel shows the frames as they pass, and no token", async () => {
  const page = await enter(wanda);
  await page.getByRole("button", { name: "Frames" }).click();
  const panel = page.getByRole("complementary", { name: "Frames" });
  await panel.getByText("ready", { exact: true }).waitFor();
  await visit(page, "#/rooms");
  await page.locator(".room-list a").first().click();
  await page.getByRole("log").waitFor();
  await page.getByRole("textbox", { name: /^Write to/ }).pressSequentially("h");
  await panel.locator(".out", { hasText: "typing.start" }).waitFor();
  await panel.locator(".in.reply", { hasText: "typing.start" }).waitFor();
  await panel.getByRole("searchbox").fill("identify");
  await panel.locator(".out summary").last().click();
  const frame = await panel.locator(".out pre").last().textContent();
  const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem("plaza")).tokens.access_token);
  assert.ok(frame.includes('"identify"') && !frame.includes(token), "the token is not shown");
});

test("a reload goes on, signing out ends it, and a wrong password is told", async () => {
  const page = await enter(amara);
  await page.reload();
  await page.getByRole("navigation", { name: "Plaza" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("textbox", { name: "Handle" }).fill("nobody_here");
  await page.getByRole("textbox", { name: "Password" }).fill("a wrong passphrase");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
});

test("everything can be reached by keyboard alone", async () => {
  const page = await window(browser, plaza.url);
  pages.push(page);
  const first = page.getByRole("button", { name: wanda.name });
  await first.waitFor();
  await page.keyboard.press("Tab");
  assert.ok(await first.evaluate((it) => it === document.activeElement), "the first stop is the first person");
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Plaza" }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main", "past the navigation");
});

for (const [name, options] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["a phone", { ...PHONE, colorScheme: "light" }],
]) {
  test(`axe finds nothing to complain of, ${name}`, async () => {
    const door = await window(browser, plaza.url, options);
    pages.push(door);
    await door.getByRole("button", { name: wanda.name }).waitFor();
    await accessible(door, "the door");
    const page = await enter(wanda, options);
    await page.getByRole("article").first().waitFor();
    await page.getByRole("button", { name: /^Comments/ }).first().click();
    await page.getByRole("textbox", { name: "Write a comment" }).waitFor();
    await accessible(page, "the feed");
    await visit(page, "#/rooms");
    await page.locator(".room-list a").first().click();
    await page.getByRole("log").getByRole("listitem").first().waitFor();
    await accessible(page, "a room");
    await visit(page, "#/search?q=bread");
    await page.getByRole("list", { name: "What was found" }).waitFor();
    await accessible(page, "search");
    await visit(page, "#/inbox");
    await page.getByRole("list", { name: "What concerns me" }).waitFor();
    await accessible(page, "the inbox");
    await visit(page, `#/people/${amara.handle}`);
    await page.getByRole("article").first().waitFor();
    await accessible(page, "a person");
    await page.getByRole("button", { name: "Frames" }).click();
    await page.getByRole("complementary", { name: "Frames" }).locator("summary").first().click();
    await accessible(page, "the frames");
  });
}

test("on a phone nothing is wider than the phone", async () => {
  const page = await enter(maya, PHONE);
  for (const hash of ["#/", "#/reels", "#/rooms", "#/rooms/new", "#/search?q=bread", "#/inbox", `#/people/${wanda.handle}`]) {
    await visit(page, hash);
    await page.locator("main h1").first().waitFor({ state: "attached" });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= PHONE.viewport.width, `${hash} is ${width} wide`);
  }
});
