// The body of a message, in the views that fit its kind.

import { h, button, show, escape } from './dom.js';
import { size, hex } from './format.js';
import { parse, tree } from './json.js';

// chosen remembers the view per kind while the page is open.
const chosen = new Map();

// body shows a body. load returns a promise for its bytes, reveal one for the same body without
// anything masked.
function body(content, load, reveal, empty = 'No body.') {
  if (!content || (!content.size && !content.kept)) return h('p', { class: 'none' }, empty);
  const box = h('div', { class: 'body' });
  fill(content);
  return box;

  function fill(content) {
    if (content.secret) {
      box.append(h('p', { class: 'masked' }, 'Secrets in this body are masked. ', button({ class: 'reveal', onclick: async () => {
        const whole = await reveal();
        if (whole) box.replaceChildren(), fill({ ...whole, secret: false });
      } }, 'Show them')));
    }
    const views = viewsOf(content, load);
    const names = Object.keys(views);
    const place = h('div', { class: 'view' });
    const note = content.kept < content.size ? `the first ${size(content.kept)} of ${size(content.size)}` : size(content.size);
    const buttons = names.map((name) => button({ 'aria-pressed': 'false', onclick: () => choose(name) }, name));
    async function choose(name, byUser = true) {
      if (byUser) chosen.set(content.kind, name);
      buttons.forEach((b) => b.setAttribute('aria-pressed', String(b.textContent === name)));
      place.setAttribute('aria-busy', 'true');
      let shown;
      try {
        shown = await views[name]();
      } catch (error) {
        shown = h('p', { class: 'bad-note' }, `The body cannot be shown: ${escape(error.message)}`);
      }
      if (buttons.find((b) => b.textContent === name).getAttribute('aria-pressed') !== 'true') return;
      place.replaceChildren(shown);
      place.removeAttribute('aria-busy');
    }
    box.append(h('div', { class: 'views' }, h('div', { role: 'group', 'aria-label': 'How the body is shown' }, buttons),
      h('p', null, [escape(content.type, 200), note].filter(Boolean).join(' · '))), place);
    const wanted = chosen.get(content.kind);
    choose(names.includes(wanted) ? wanted : names[0], false);
  }
}

// viewsOf returns the views of a body, the best first.
function viewsOf(content, load) {
  const views = {};
  const text = content.text || undefined;
  if (content.kind === 'json' && text) {
    try {
      const parsed = parse(text);
      views.Tree = () => h('div', { class: 'json' }, tree(parsed));
    } catch {
      // What was cut, or is not JSON in spite of its type, is text.
    }
  }
  if (content.kind === 'image' && !content.secret) views.Image = async () => image(await load(), content.type);
  if (content.kind === 'form' && text) views.Form = () => form(content);
  if (content.kind === 'html' && text) views.Source = () => h('pre', { tabindex: '0' }, source(text));
  else if (text) views.Text = () => h('pre', { tabindex: '0' }, show(text));
  if (!content.secret) views.Hex = async () => dump(await load());
  return views;
}

// image shows bytes as an image, which can run no script.
async function image(bytes, type) {
  const url = URL.createObjectURL(new Blob([bytes], { type: type || 'image/png' }));
  const picture = h('img', { src: url, alt: 'The image of the body' });
  const caption = h('figcaption');
  try {
    await picture.decode();
    caption.append(`${picture.naturalWidth} × ${picture.naturalHeight} pixels`);
  } catch {
    return h('p', { class: 'bad-note' }, 'The browser cannot show this image. Its bytes are in the view Hex.');
  } finally {
    URL.revokeObjectURL(url);
  }
  return h('figure', null, picture, caption);
}

// dump shows bytes in hexadecimal, the first 8 KiB at once.
function dump(bytes) {
  const first = 8192;
  const box = h('div', null, h('pre', { class: 'hex', tabindex: '0' }, hex(bytes, 0, Math.min(first, bytes.length))));
  if (bytes.length > first) {
    const more = button({ class: 'more', onclick: () => {
      box.firstChild.append('\n' + hex(bytes, first));
      more.remove();
    } }, `${size(bytes.length - first)} more`);
    box.append(more);
  }
  return box;
}

// form shows the fields of a form, in either encoding.
function form(content) {
  const rows = /^multipart\//i.test(content.type) ? parts(content.text ?? '') : pairs(content.text ?? '');
  if (!rows.length) return h('pre', { tabindex: '0' }, show(content.text));
  return h('table', { class: 'fields' }, h('thead', { class: 'hidden' }, h('tr', null, h('th', { scope: 'col' }, 'Field'), h('th', { scope: 'col' }, 'Value'))),
    h('tbody', null, rows.map(([name, value, note]) => h('tr', null, h('th', { scope: 'row' }, escape(name, 200)),
      h('td', null, h('span', { class: 'value' }, show(value)), note && h('small', null, escape(note, 200)))))));
}

const pairs = (text) => [...new URLSearchParams(text)];

// parts reads a multipart form. Its boundary is its first line.
function parts(text) {
  const boundary = /^\s*(--[^\r\n]+)/.exec(text)?.[1].trimEnd();
  if (!boundary) return [];
  return text.split(boundary).slice(1).map((part) => {
    const cut = /\r?\n\r?\n/.exec(part);
    if (!cut) return null;
    const head = part.slice(0, cut.index);
    const field = (name) => new RegExp(`[;\\s]${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(head)?.[1];
    const type = /^content-type:\s*(.+)$/im.exec(head)?.[1].trim();
    return [field('name') ?? '', part.slice(cut.index + cut[0].length).replace(/\r?\n$/, ''), [field('filename'), type].filter(Boolean).join(' · ')];
  }).filter(Boolean);
}

// source marks tags, attributes, strings and comments of HTML.
function source(text) {
  const out = document.createDocumentFragment();
  const pattern = /(<!--[^]*?(?:-->|$))|(<\/?[a-zA-Z][^\s/>]*)|([^\s"'<>/=]+)(?==\s*["'])|("[^"<>]*"|'[^'<>]*')(?=[^<]*>)/g;
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    out.append(show(text.slice(from, match.index)));
    const name = match[1] ? 'h-comment' : match[2] ? 'h-tag' : match[3] ? 'h-name' : 'h-text';
    out.append(h('span', { class: name }, show(match[0])));
    from = match.index + match[0].length;
  }
  out.append(show(text.slice(from)));
  return out;
}

export { body, pairs, parts };
