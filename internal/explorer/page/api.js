// The JSON API of the explorer. The token is kept here, in memory, and nowhere else.

let token = '';

// takeToken takes the token from the fragment of the address, which it is removed from. It reports
// whether there was one.
function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!found) return false;
  token = found;
  history.replaceState(null, '', location.pathname + location.search);
  return true;
}

// Failed is an error of the API; status 0 means that no server responded.
class Failed extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

async function ask(path, { method = 'GET', body, signal } = {}) {
  const headers = { 'Wasihttp-Token': token };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch('api/' + path, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store', credentials: 'omit', redirect: 'error',
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failed(0, 'wasihttp does not respond');
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Failed(response.status, problem.error ?? `${response.status} ${response.statusText}`, problem.hint);
}

const json = async (path, options) => (await ask(path, options)).json();

const api = {
  state: () => json('state'),
  requests: (query, limit, signal) => json(`requests?limit=${limit}${query ? '&q=' + encodeURIComponent(query) : ''}`, { signal }),
  request: (seq, reveal) => json(`requests/${seq}${reveal ? '?reveal=1' : ''}`),
  body: async (seq, part, reveal) => new Uint8Array(await (await ask(
    `requests/${seq}/body?part=${part}${reveal ? '&reveal=1' : ''}`)).arrayBuffer()),
  send: (seq, changes) => json(`requests/${seq}/send`, { method: 'POST', body: changes }),
  curl: (seq, reveal) => json(`requests/${seq}/curl${reveal ? '?reveal=1' : ''}`),
  fixture: (seq, file) => json(`requests/${seq}/fixture`, { method: 'POST', body: file ? { file } : {} }),
  compare: (a, b) => json(`compare?a=${a}&b=${b}`),
  clear: () => ask('requests', { method: 'DELETE' }),

  // events calls take for each event until the stream ends, which it always does with an error.
  async events(after, signal, take) {
    const response = await ask(`events?after=${after}`, { signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      let chunk;
      try {
        chunk = await reader.read();
      } catch (error) {
        if (signal.aborted) throw error;
        throw new Failed(0, 'the connection was cut');
      }
      if (chunk.done) throw new Failed(0, 'the connection ended');
      const lines = (rest + chunk.value).split('\n');
      rest = lines.pop();
      for (const line of lines) if (line) take(JSON.parse(line));
    }
  },
};

export { api, takeToken, Failed };
