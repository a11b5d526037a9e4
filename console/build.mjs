// Builds app/ into the folder that is named: one script, one style sheet, one icon, and the page that loads them. The same source gives
// the same bytes, so that what is committed can be held against it.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";

const home = dirname(fileURLToPath(import.meta.url));
const [out = "dist", ...flags] = process.argv.slice(2);
const target = resolve(home, out);

// The licences of what ends up in the script.
const banner = `/*! Plaza console. Contains Preact and Preact Signals, (c) Jason Miller and the Preact team, MIT License:
${(await readFile(join(home, "node_modules/preact/LICENSE"), "utf8")).trim().replaceAll("*/", "* /")}
*/`;

/** Writes what esbuild made under names that hold its hash, and the page that has those names. */
const write = {
  name: "write",
  setup(build) {
    build.onEnd(async ({ errors, outputFiles = [] }) => {
      if (errors.length > 0) return;
      await rm(target, { recursive: true, force: true });
      await mkdir(join(target, "assets"), { recursive: true });
      let page = await readFile(join(home, "app/index.html"), "utf8");
      const icon = { path: "icon.svg", contents: await readFile(join(home, "app/icon.svg")) };
      for (const { path, contents } of [...outputFiles, icon]) {
        const name = relative(target, resolve(target, path)).split("/").at(-1);
        const [stem, ending] = [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf("."))];
        const hash = createHash("sha256").update(contents).digest("hex").slice(0, 10);
        await writeFile(join(target, "assets", `${stem}-${hash}${ending}`), contents);
        page = page.replaceAll(`/assets/${name}`, `/assets/${stem}-${hash}${ending}`);
      }
      await writeFile(join(target, "index.html"), page);
    });
  },
};

const build = await context({
  absWorkingDir: home,
  entryPoints: { console: "app/main.tsx" },
  outdir: target,
  bundle: true,
  write: false,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox114", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  alias: { "@plaza/client": "../clients/typescript/src/index.ts" },
  banner: { js: banner },
  legalComments: "none",
  logLevel: "info",
  plugins: [write],
});
if (flags.includes("--watch")) {
  await build.watch();
} else {
  await build.rebuild();
  await build.dispose();
}
