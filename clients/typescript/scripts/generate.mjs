// Writes src/generated/specs.ts: types of REST, of every payload and of every frame, from the specs beside this package.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import openapi, { astToString } from "openapi-typescript";
import { parse } from "yaml";

const home = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const specs = resolve(home, "../..");

const documents = new Map();
async function read(path) {
  if (!documents.has(path)) documents.set(path, parse(await readFile(path, "utf8")));
  return documents.get(path);
}

/** Each payload's name: as the schemas have it, with its domain before it where two domains have one of that name. */
async function names() {
  const folder = join(specs, "schemas");
  const files = (await readdir(folder)).filter((file) => file.endsWith(".schema.json")).sort();
  const found = [];
  for (const file of files) {
    for (const name of Object.keys((await read(join(folder, file))).$defs)) found.push({ file, name });
  }
  const isTaken = (name) => found.filter((other) => other.name === name).length > 1;
  return new Map(found.map(({ file, name }) => {
    const domain = basename(file, ".schema.json");
    return [`${file}#/$defs/${name}`, isTaken(name) ? domain[0].toUpperCase() + domain.slice(1) + name : name];
  }));
}

/** The same with every reference pointing into the one document that is written from. */
function joined(value, from, named) {
  if (Array.isArray(value)) return value.map((inner) => joined(inner, from, named));
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$ref === "string") return { ...value, $ref: pointer(value.$ref, from, named) };
  const kept = Object.entries(value).filter(([key, inner]) => !isNoType(key, inner));
  return Object.fromEntries(kept.map(([key, inner]) => [key, joined(inner, from, named)]));
}

/** Examples in files of their own, and what can be done next with an answer. */
function isNoType(key, value) {
  if (key === "examples") return Object.values(value).some((one) => one.externalValue);
  return key === "links" && Object.values(value).every((one) => one.$ref?.includes("links.yaml#"));
}

function pointer(ref, from, named) {
  const [file, place] = ref.split("#");
  const target = basename(file === "" ? from : file);
  if (target.endsWith(".schema.json")) {
    const name = named.get(`${target}#${place}`);
    if (name === undefined) throw new Error(`${from}: nothing is at ${ref}`);
    return `#/components/schemas/${name}`;
  }
  if (target === "parameters.yaml" || target === "responses.yaml") return `#/components/${basename(target, ".yaml")}${place}`;
  throw new Error(`${from}: cannot follow ${ref}`);
}

const members = (properties) => ({ type: "object", required: Object.keys(properties), properties });

/** The socket's frames: what each command takes and answers, what each event and signal brings, and the other frames. */
async function frames(named) {
  const path = join(specs, "asyncapi/asyncapi.yaml");
  const { channels, operations } = await read(path);
  const payload = async (message) => {
    const [file, place] = channels.socket.messages[message.$ref.split("/").at(-1)].$ref.split("#");
    const from = join(dirname(path), file);
    return joined((await read(from))[place.slice(1)].payload, from, named);
  };
  const found = { Commands: {}, Replies: {}, Events: {}, Signals: {}, Frames: {} };
  for (const [name, { action, channel, messages, reply }] of Object.entries(operations)) {
    if (channel.$ref !== "#/channels/socket") continue;
    const schema = await payload(messages[0]);
    const { t, op, d } = schema.properties ?? {};
    if (action === "receive") {
      found.Commands[op.const] = d;
      found.Replies[op.const] = (await payload(reply.messages[0])).properties.d;
    } else if (t?.const === "event") found.Events[name] = d;
    else if (t?.const === "signal") found.Signals[name] = d;
    else found.Frames[name] = schema;
  }
  return Object.entries(found).map(([what, properties]) => [`Socket${what}`, members(properties)]);
}

const named = await names();
const root = join(specs, "openapi/openapi.yaml");
const document = structuredClone(await read(root));
for (const [path, item] of Object.entries(document.paths)) {
  const [file, place] = item.$ref.split("#/");
  const from = join(dirname(root), file);
  document.paths[path] = joined((await read(from))[place], from, named);
}
for (const part of ["parameters", "responses"]) {
  const from = join(dirname(root), `${part}.yaml`);
  document.components[part] = joined(await read(from), from, named);
}
const schemas = await frames(named);
for (const [place, name] of named) {
  const [file, defined] = place.split("#/$defs/");
  schemas.push([name, joined((await read(join(specs, "schemas", file))).$defs[defined], file, named)]);
}
document.components.schemas = Object.fromEntries(schemas);

const types = astToString(await openapi(document, { alphabetize: true, defaultNonNullable: false }));
const target = join(home, "src/generated");
await mkdir(target, { recursive: true });
await writeFile(join(target, "specs.ts"), `// Generated by scripts/generate.mjs.\n${types}`);
