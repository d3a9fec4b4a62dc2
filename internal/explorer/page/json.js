// JSON as it was sent: numbers keep their digits, and members their order and repetitions, which
// JSON.parse would lose.

import { h, button, show } from './dom.js';

const token = /[ \t\n\r]*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))/y;

// parse returns a tree: {list: [node]}, {members: [[name, node]]}, {text}, or {word} for numbers,
// true, false and null. It throws an error for what is not JSON.
function parse(source) {
  let at = 0, depth = 0;
  const next = () => {
    token.lastIndex = at;
    const found = token.exec(source);
    if (!found) throw new SyntaxError(`not JSON at character ${at}`);
    at = token.lastIndex;
    return found;
  };
  const value = (found = next()) => {
    if (found[2]) return { text: JSON.parse(found[2]) };
    if (found[3] ?? found[4]) return { word: found[3] ?? found[4] };
    if (found[1] !== '[' && found[1] !== '{') throw new SyntaxError(`not JSON at character ${at}`);
    if (++depth > 200) throw new SyntaxError('too deep');
    const [close, all] = found[1] === '[' ? [']', []] : ['}', []];
    for (let first = true; ; first = false) {
      let item = next();
      if (item[1] === close && (first || all.length === 0)) break;
      if (close === ']') all.push(value(item));
      else {
        if (!item[2] || next()[1] !== ':') throw new SyntaxError(`a name and a colon are missing before character ${at}`);
        all.push([JSON.parse(item[2]), value()]);
      }
      item = next();
      if (item[1] === close) break;
      if (item[1] !== ',') throw new SyntaxError(`a comma is missing before character ${at}`);
    }
    depth--;
    return close === ']' ? { list: all } : { members: all };
  };
  const tree = value();
  if (source.slice(at).trim()) throw new SyntaxError(`more after the end, at character ${at}`);
  return tree;
}

// most is how many members are shown at once.
const most = 200;

// weight is how many values there are in a value, counted up to a few more than a screen shows.
function weight(node) {
  let n = 1;
  for (const inner of node.list ?? node.members?.map((m) => m[1]) ?? []) if ((n += weight(inner)) > 60) break;
  return n;
}

// tree shows a parsed value; of a large one, what is deeper than two levels is closed at first.
function tree(node, name, level = weight(node) > 60 ? 0 : -99) {
  const label = name === undefined ? null : h('span', { class: typeof name === 'number' ? 'j-index' : 'j-name' }, show(String(name)), ': ');
  if (node.text !== undefined) return h('div', { class: 'j-leaf' }, label, h('span', { class: 'j-text' }, '"', show(JSON.stringify(node.text).slice(1, -1)), '"'));
  if (node.word) return h('div', { class: 'j-leaf' }, label, h('span', { class: /[a-z]/.test(node.word[0]) ? 'j-word' : 'j-number' }, node.word));
  const all = node.list ?? node.members;
  const [open, close] = node.list ? '[]' : '{}';
  if (!all.length) return h('div', { class: 'j-leaf' }, label, open + close);
  const inner = h('div', { class: 'j-in' });
  let shown = 0;
  const more = () => {
    inner.lastChild?.matches('button') && inner.lastChild.remove();
    for (const end = Math.min(shown + most, all.length); shown < end; shown++) {
      inner.append(node.list ? tree(all[shown], shown, level + 1) : tree(all[shown][1], all[shown][0], level + 1));
    }
    if (shown < all.length) inner.append(button({ class: 'more', onclick: more }, `${all.length - shown} more`));
  };
  const box = h('details', { class: 'j-node' }, h('summary', null, label, open, h('span', { class: 'j-count' },
    ` ${all.length} ${node.list ? (all.length === 1 ? 'item' : 'items') : (all.length === 1 ? 'member' : 'members')} `), close), inner);
  box.addEventListener('toggle', () => { if (box.open && !shown) more(); });
  if (level < 2 && all.length <= most) {
    more();
    box.open = true;
  }
  return box;
}

export { parse, tree };
