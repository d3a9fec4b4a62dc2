// WASI 0.2 guest on StarlingMonkey: every route drives one part of a wasi:http host.
let count = 0;

const text = (body, init = {}) =>
  new Response(body, { ...init, headers: { 'content-type': 'text/plain; charset=utf-8', ...init.headers } });

const hex = (n) =>
  Array.from(crypto.getRandomValues(new Uint8Array(n)), (b) => b.toString(16).padStart(2, '0')).join('');

async function serve(request) {
  count++;
  const url = new URL(request.url);
  const query = url.searchParams;
  switch (url.pathname) {
    case '/':
      return text('hello from javascript\n');
    case '/echo':
      return new Response(request.body, {
        headers: { 'content-type': request.headers.get('content-type') ?? 'application/octet-stream' },
      });
    case '/headers': {
      const lines = [`${request.method} ${url.pathname}${url.search}`, `authority: ${url.host}`, `scheme: ${url.protocol.slice(0, -1)}`];
      for (const [k, v] of request.headers) lines.push(`${k}: ${v}`);
      return text(lines.join('\n') + '\n');
    }
    case '/sleep': {
      const ms = Number(query.get('ms') ?? 100);
      await new Promise((done) => setTimeout(done, ms));
      return text(`slept ${ms} ms\n`);
    }
    case '/throw':
      throw new Error('this guest was asked to throw');
    case '/spin':
      for (;;);
    case '/fetch': {
      const answer = await fetch(query.get('url'), { headers: { 'user-agent': 'js-kitchen' } });
      return text(answer.body, { headers: { 'x-upstream-status': String(answer.status) } });
    }
    case '/big': {
      const block = new TextEncoder().encode('0123456789abcdef'.repeat(1024));
      let left = Number(query.get('n') ?? 65536);
      const body = new ReadableStream({
        pull(controller) {
          if (left <= 0) return controller.close();
          controller.enqueue(block.slice(0, left));
          left -= block.length;
        },
      });
      return new Response(body, { headers: { 'content-type': 'application/octet-stream' } });
    }
    case '/counter':
      return text(`${count}\n`);
    case '/clock':
      return text(`wall ${(Date.now() / 1000).toFixed(3)}\nmonotonic ${Math.round(performance.now() * 1e6)}\n`);
    case '/random':
      return text(hex(16) + '\n');
    case '/json':
      return Response.json({ message: 'hello', timestamp: new Date().toISOString(), id: hex(8), count });
    case '/log':
      console.log('a line on stdout from javascript');
      console.error('a line on stderr from javascript');
      return text('logged\n');
    default:
      return text('not found\n', { status: 404 });
  }
}

addEventListener('fetch', (event) => {
  // Thrown here, outside the promise, nothing answers the request: the guest traps.
  if (new URL(event.request.url).pathname === '/trap') throw new Error('this guest was asked to trap');
  event.respondWith(serve(event.request));
});
