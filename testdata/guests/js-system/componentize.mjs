// node componentize.mjs SOURCE.js WITDIR ADAPTER OUT.wasm: a StarlingMonkey component for the world
// `system` that a debugger can attach to. JS_TOOLS names the folder into which npm put
// componentize-js.
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const entry = `${process.env.JS_TOOLS}/node_modules/@bytecodealliance/componentize-js/src/componentize.js`;
const { componentize } = await import(pathToFileURL(entry));
const [sourcePath, witPath, preview2Adapter, out] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath, witPath, preview2Adapter, worldName: 'system', runtimeArgs: '--enable-script-debugging',
});
await writeFile(out, component);
