// Elements from data. Nothing here takes markup: what components and clients sent is text.

const byId = (id) => document.getElementById(id);

// h makes an element: properties whose names begin with "on" are listeners, the others attributes.
function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...given(children));
  return element;
}

const given = (children) => children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false);

// fill replaces what an element has.
const fill = (element, ...children) => element.replaceChildren(...given(children));

const button = (props, ...children) => h('button', { type: 'button', ...props }, ...children);

// Characters that are invisible, or that change the order or the look of others: controls except
// tab and newline, directional controls, zero-width characters, tags, byte order marks.
const odd = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]+/gu;

const code = (c) => 'U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');

// escape is text on one line, with odd characters as their numbers, cut to a length.
function escape(text, most = 2000) {
  text = String(text ?? '');
  if (text.length > most) text = text.slice(0, most).replace(/[\ud800-\udbff]$/, '') + '…';
  return text.replace(/[\t\n]/g, ' ').replace(odd, (run) => [...run].map((c) => `‹${code(c)}›`).join(''));
}

// show is text with odd characters as marks, for a <pre>. A carriage return before a newline is
// part of it.
function show(text) {
  const out = document.createDocumentFragment();
  text = String(text ?? '').replace(/\r\n/g, '\n');
  let from = 0;
  for (const match of text.matchAll(odd)) {
    out.append(text.slice(from, match.index));
    from = match.index + match[0].length;
    const all = [...match[0]];
    const names = all.slice(0, 8).map(code).join(' ') + (all.length > 8 ? ` … (${all.length})` : '');
    out.append(h('span', { class: 'odd', title: names }, names));
  }
  out.append(text.slice(from));
  return out;
}

// say has screen readers read a sentence once they are idle.
function say(sentence) {
  const place = byId('said');
  place.textContent = place.textContent === sentence ? sentence + '\u00a0' : sentence;
}

// toast shows a sentence for some seconds, with at most one action.
function toast(sentence, { bad, lines, action, run } = {}) {
  const box = h('div', { class: bad ? 'toast bad' : 'toast' },
    h('p', null, escape(sentence)), (lines ?? []).map((l) => h('p', { class: 'note' }, escape(l))),
    action && button({ onclick: () => { box.remove(); run(); } }, action),
    button({ class: 'quiet round', 'aria-label': 'Close', onclick: () => box.remove() }, '×'));
  byId('toasts').append(box);
  while (byId('toasts').children.length > 3) byId('toasts').firstChild.remove();
  say([sentence, ...(lines ?? [])].join('. '));
  // Whoever reads or is about to press it has time.
  const later = () => (box.matches(':hover, :focus-within') ? setTimeout(later, 2000) : box.remove());
  setTimeout(later, bad || action || lines?.length ? 12000 : 5000);
}

// dialog opens a modal dialog, which Escape and a click beside it close. The element that had the
// focus gets it back.
function dialog(title, body, { wide, onclose } = {}) {
  const heading = h('h2', { id: 'dialog-title' }, title);
  const box = h('dialog', { class: wide ? 'wide' : null, 'aria-labelledby': 'dialog-title' },
    h('header', null, heading, button({ class: 'quiet round', 'aria-label': 'Close', onclick: () => box.close() }, '×')), body);
  const before = document.activeElement;
  let down = false;
  box.addEventListener('pointerdown', (e) => { down = e.target === box; });
  box.addEventListener('click', (e) => { if (down && e.target === box) box.close(); });
  box.addEventListener('close', () => {
    box.remove();
    onclose?.();
    if (before?.isConnected) before.focus();
  });
  document.body.append(box);
  box.showModal();
  (box.querySelector('[data-first]') ?? box.querySelector('input, textarea') ?? heading).focus();
  return box;
}

export { byId, h, fill, button, escape, show, say, toast, dialog, code };
