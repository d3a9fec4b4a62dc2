// WASI 0.2 guest on StarlingMonkey. The engine has no files of its own: these are those of the
// interfaces that its world imports. Its sockets are for its debugger, which a script cannot use:
// the bindings of componentize-js 0.23 fail wherever a `network` is handed over.
import { getDirectories } from 'wasi:filesystem/preopens@0.2.10';

function folder() {
  const [first] = getDirectories();
  if (!first) throw Object.assign(new Error(), { payload: 'no folder' });
  return first[0];
}

function list() {
  const entries = folder().readDirectory();
  const lines = [];
  for (let entry; (entry = entries.readDirectoryEntry()) !== undefined; ) {
    lines.push(`${entry.name} ${entry.type}\n`);
  }
  return lines.sort().join('');
}

function read(path) {
  const file = folder().openAt({ symlinkFollow: true }, path, {}, { read: true });
  const [bytes, end] = file.read(65536n, 0n);
  const { type, size } = file.stat();
  return `${type} ${size} ${end}\n${new TextDecoder().decode(bytes)}`;
}

function write(path, text) {
  const file = folder().openAt({}, path, { create: true, truncate: true }, { write: true });
  return `${file.write(new TextEncoder().encode(text), 0n)} bytes\n`;
}

async function serve(request) {
  const url = new URL(request.url);
  const [, verb, ...rest] = url.pathname.split('/');
  const path = rest.join('/');
  try {
    switch (verb) {
      case 'list':
        return new Response(list());
      case 'read':
        return new Response(read(path));
      case 'write':
        return new Response(write(path, await request.text()));
      case 'remove':
        folder().unlinkFileAt(path);
        return new Response('removed\n');
      case 'fetch': {
        const response = await fetch(url.searchParams.get('url'));
        return new Response(`${response.status} ${await response.text()}`);
      }
      default: {
        const greeting = `hello ${path}`;
        return new Response(`${greeting}\n`);
      }
    }
  } catch (error) {
    return new Response(`${JSON.stringify(error.payload) ?? error}\n`, { status: 500 });
  }
}

addEventListener('fetch', (event) => event.respondWith(serve(event.request)));
