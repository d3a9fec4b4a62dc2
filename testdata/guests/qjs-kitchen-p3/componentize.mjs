// node componentize.mjs SOURCE WIT OUT: QuickJS with the source inside. JS_TOOLS is a folder where componentize-qjs is installed.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [source, witPath, out] = process.argv.slice(2);
const require = createRequire(`${process.env.JS_TOOLS}/package.json`);
let entry;
try {
  entry = require.resolve("componentize-qjs");
} catch {
  entry = `${process.env.JS_TOOLS}/node_modules/componentize-qjs/index.js`;
}
const { componentize } = await import(pathToFileURL(entry));
const { component } = await componentize({ witPath, jsPath: source, jsSource: await readFile(source, "utf8"), world: "app" });
await writeFile(out, component);
