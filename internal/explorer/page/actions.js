// What can be done with a request. Each action says how it ended.

import { h, button, escape, toast, dialog, say } from './dom.js';
import { plural, size } from './format.js';
import { api } from './api.js';
import { mask } from './detail.js';

const hidden = 'REDACTED';

function failed(error) {
  toast(error.message, { bad: true, lines: error.hint ? [error.hint] : [] });
}

// copy puts text on the clipboard, or shows it where the browser does not allow that.
async function copy(text, sentence, more) {
  try {
    await navigator.clipboard.writeText(text);
    toast(sentence, more);
  } catch {
    const area = h('textarea', { readonly: true, rows: '8', 'aria-label': 'Command', 'data-first': true }, text);
    dialog('Copy', h('div', null, h('p', { class: 'note' }, 'The browser does not let this page use the clipboard: copy it from here.'), area,
      more?.action && h('p', null, button({ onclick: (e) => { e.target.closest('dialog').close(); more.run(); } }, more.action))), { wide: true });
    area.select();
  }
}

async function again(d, onsent) {
  try {
    const { seq } = await api.send(d.seq, {});
    say(`Sent again as request ${seq}`);
    onsent(seq);
  } catch (error) {
    failed(error);
  }
}

async function curl(d, reveal = false) {
  try {
    const { curl, note } = await api.curl(d.seq, reveal);
    const masked = !reveal && hasSecrets(d);
    const lines = [note || (masked && 'Secrets are masked in it.')].filter(Boolean);
    await copy(curl, 'The curl command is on the clipboard.', { lines, ...(masked ? { action: 'Copy with secrets', run: () => curlWithSecrets(d) } : {}) });
  } catch (error) {
    failed(error);
  }
}

const curlWithSecrets = (d) => curl(d, true);

const hasSecrets = (d) => d.request.headers.some((f) => f.secret) || d.request.body?.secret || d.target.includes(hidden);

function save(d, folder) {
  const name = h('input', { id: 'fixture', type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: 'chosen for you, such as 0001-get.hurl', 'aria-describedby': 'fixture-note' });
  const problem = h('p', { class: 'bad-note', role: 'alert' });
  const form = h('form', { method: 'dialog', onsubmit: async (e) => {
    e.preventDefault();
    problem.textContent = '';
    let file = name.value.trim();
    if (file && !/\.hurl$/.test(file)) file += '.hurl';
    try {
      const result = await api.fixture(d.seq, file);
      form.closest('dialog').close();
      toast(`Saved as ${result.file}`, { lines: [result.upstream && `Its upstream exchanges: ${result.upstream}`, ...(result.warnings ?? [])].filter(Boolean) });
    } catch (error) {
      problem.textContent = escape([error.message, error.hint].filter(Boolean).join('. '));
      name.focus();
    }
  } },
  h('label', { for: 'fixture' }, 'Name of the file'), name,
  h('p', { class: 'note', id: 'fixture-note' }, `It goes to ${escape(folder || 'the folder of the fixtures')}, with secrets replaced; no file is ever replaced. `, h('code', null, 'wasihttp test'), ' replays it.'), problem,
  h('footer', null, h('button', { type: 'submit', class: 'main' }, 'Save')));
  dialog('Save as fixture', form);
}

// edit opens the request in a form and sends what was made of it. What was not touched is not
// sent, so that it stays as it was.
function edit(d, onsent) {
  const lines = (fields) => fields.map((f) => `${f.name}: ${f.secret ? mask : f.value}`).join('\n');
  const content = d.request.body ?? {};
  const textual = !content.size || Boolean(content.text);
  const whole = (content.kept ?? 0) >= (content.size ?? 0);
  const input = (id, value) => h('input', { id, type: 'text', value, autocomplete: 'off', spellcheck: 'false' });
  const area = (id, value, rows) => { const a = h('textarea', { id, rows, spellcheck: 'false', autocomplete: 'off' }); a.value = value; return a; };
  const method = input('edit-method', d.method), target = input('edit-target', d.target);
  const headers = area('edit-headers', lines(d.request.headers), 6), text = area('edit-body', content.text ?? '', 9);
  // A textarea has its own newlines: what counts as changed is its value.
  const was = { method: method.value, target: target.value, headers: headers.value, body: text.value };
  const fields = d.request.headers;
  if (!textual) text.disabled = true;
  const problem = h('p', { class: 'bad-note', role: 'alert' });
  const reveal = button({ class: 'reveal', onclick: async () => {
    try {
      const open = await api.request(d.seq, true);
      const { headers: sent, body } = open.request;
      if (target.value === was.target) target.value = was.target = open.target;
      if (headers.value === was.headers) headers.value = sent.map((f) => `${f.name}: ${f.value}`).join('\n');
      if (text.value === was.body && body?.text) text.value = was.body = body.text, was.body = text.value;
      reveal.remove();
    } catch (error) {
      problem.textContent = escape(error.message);
    }
  } }, 'Show the secrets');
  const form = h('form', { method: 'dialog', class: 'edit', onsubmit: async (e) => {
    e.preventDefault();
    problem.textContent = '';
    const changes = {};
    if (method.value !== was.method) changes.method = method.value.trim();
    if (target.value !== was.target) changes.target = target.value.trim();
    if (text.value !== was.body) changes.body = text.value;
    try {
      if (headers.value !== was.headers) changes.headers = readFields(headers.value, fields);
      for (const [name, value] of [['target', changes.target], ['body', changes.body]]) {
        if (value?.includes(hidden)) throw new Error(`The ${name} still has ${hidden} in place of a secret: press "Show the secrets" first, or remove it.`);
      }
      const { seq } = await api.send(d.seq, changes);
      form.closest('dialog').close();
      say(`Sent as request ${seq}`);
      onsent(seq);
    } catch (error) {
      problem.textContent = escape([error.message, error.hint].filter(Boolean).join('. '));
    }
  }, onkeydown: (e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) form.requestSubmit(); } },
  h('div', { class: 'line' }, h('div', null, h('label', { for: 'edit-method' }, 'Method'), method), h('div', null, h('label', { for: 'edit-target' }, 'Target'), target)),
  h('label', { for: 'edit-headers' }, 'Headers, one a line'), headers,
  hasSecrets(d) ? h('p', { class: 'note' }, 'Values that are masked are sent as they were. ', reveal) : null,
  h('label', { for: 'edit-body' }, 'Body'), text,
  h('p', { class: 'note' }, !textual ? `The body of ${size(content.size)} is no text, and is sent as it was.` : !whole ? `The first ${size(content.kept)} of ${size(content.size)}: a change sends only what stands here.` : 'Content-Length is set for you.'),
  problem, h('footer', null, h('span', { class: 'note' }, 'Ctrl+Enter sends'), h('button', { type: 'submit', class: 'main' }, 'Send')));
  text.dataset.first = '';
  dialog('Edit and send', form, { wide: true });
  (textual && content.size ? text : target).focus();
}

// readFields reads "Name: value" lines. A masked value is that of the field of the same name that
// it was.
function readFields(text, before) {
  return text.split('\n').filter((l) => l.trim()).map((line) => {
    const at = line.indexOf(':', 1);
    if (at < 0) throw new Error(`A header needs a name and a colon: "${escape(line, 60)}"`);
    const name = line.slice(0, at).trim(), value = line.slice(at + 1).trim();
    const masked = value === mask && before.some((f) => f.secret && f.name.toLowerCase() === name.toLowerCase());
    return masked ? { name, value: '', secret: true } : { name, value };
  });
}

function clear(count, oncleared) {
  const form = h('form', { method: 'dialog', onsubmit: async (e) => {
    e.preventDefault();
    try {
      await api.clear();
      form.closest('dialog').close();
      oncleared();
      toast('All requests were removed.');
    } catch (error) {
      form.closest('dialog').close();
      failed(error);
    }
  } }, h('p', null, `Forget ${plural(count, 'request')}? Fixtures that were saved stay.`),
  h('footer', null, h('button', { type: 'submit', class: 'main', 'data-first': true }, 'Clear')));
  dialog('Clear', form);
}

const keys = [
  ['/', 'filter'], ['j  k', 'next, previous request (also ↓ ↑)'], ['g  G', 'first, last request'], ['Enter', 'open the request'], ['Esc', 'back to the list; end a comparison; undo the filter'],
  ['1 … 5', 'response, request, output, upstream, spans'], ['r', 'send again'], ['e', 'edit and send'], ['c', 'copy as curl'], ['s', 'save as fixture'], ['d', 'compare with another request'], ['?', 'this'],
];

const words = [
  ['cart', 'method, host, target, status, outcome or id contains it'], ['status:5xx', 'or status:404'], ['method:POST', ''], ['path:/cart/*', 'the target begins with it'], ['outcome:trap', 'or ok, expired, no-response, error-code, instantiation, full, client-gone, stopped, internal'],
  ['is:failed', 'also is:slow (a second or more), is:running'], ['body:text', 'a body contains it'], ['header:text', 'a header, as name: value'], ['output:text', 'stdout or stderr'], ['upstream:text', 'the URL of an upstream exchange'], ['build:3', ''], ['-word', 'not that'], ['"two words"', 'as one'],
];

function help(state) {
  const table = (rows) => h('table', { class: 'keys' }, h('tbody', null, rows.map(([key, what]) => h('tr', null, h('th', { scope: 'row' }, key.split('  ').map((k) => [h('kbd', null, k), ' '])), h('td', null, what)))));
  dialog('Keys and filters', h('div', { class: 'help' }, h('section', null, h('h3', null, 'Keys'), table(keys)),
    h('section', null, h('h3', null, 'Filters'), h('p', { class: 'note' }, 'All words must match.'), table(words)),
    h('p', { class: 'note' }, state ? `wasihttp ${escape(state.version, 40)}. ` : '', state ? `The last ${state.limits.requests} requests are kept, and ${state.limits.body / 1024} KiB of each body. ` : '', 'Drag on the time axis to see a span alone.')), { wide: true });
}

export { again, curl, save, edit, clear, help, copy, failed, readFields };
