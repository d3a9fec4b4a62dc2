// The timeline of one request: what it did when, its upstream exchanges and its spans.

import { h, button, escape } from './dom.js';
import { duration, spoken, step, kind } from './format.js';

const phases = {
  waiting: 'Waiting for an instance', instance: 'Making the instance', computing: 'Component computing',
  upstream: 'Waiting for upstream', host: 'Waiting for the host', streaming: 'Streaming the response',
};

// place puts an element at a part of the width.
function place(element, from, length) {
  element.style.left = `${from * 100}%`;
  element.style.width = `${Math.max(0, Math.min(length, 1 - from)) * 100}%`;
  return element;
}

// bounds are the first and last moment of a timeline. The times of spans are the component's: they
// make it longer, but not so much that the request cannot be seen beside them.
function bounds(d, length) {
  const host = [d, ...(d.phases ?? []), ...(d.upstream ?? [])];
  const start = Math.min(...host.map((p) => p.at));
  const end = Math.max(...host.map((p) => p.at + length(p)), start + 0.001);
  const spare = (end - start) / 2;
  const near = (d.spans ?? []).filter((s) => s.at <= end && s.at + length(s) >= start);
  return [Math.max(start - spare, Math.min(start, ...near.map((s) => s.at))),
    Math.min(end + spare, Math.max(end, ...near.map((s) => s.at + length(s))))];
}

// waterfall returns the timeline of a request. builds are all that are known; onupstream opens an
// upstream exchange.
function waterfall(d, builds, onupstream) {
  const now = Date.now();
  const length = (t) => t.ms ?? Math.max(0, now - t.at);
  const [start, end] = bounds(d, length);
  const whole = end - start;
  const bar = (name, p, title) => {
    const from = Math.max(p.at, start), to = Math.min(p.at + length(p), end);
    if (to < from) return null;
    return place(h('span', { class: `bar ${name}${p.ms === null ? ' going' : ''}`, title }), (from - start) / whole, (to - from) / whole);
  };
  const row = (label, depth, bars, took, words) => {
    const head = h('div', { class: 'w-label' }, typeof label === 'string' ? h('span', null, label) : label);
    head.style.paddingLeft = `${Math.min(depth, 8) * 0.8}rem`;
    return h('li', null, head, h('div', { class: 'w-lane', 'aria-hidden': 'true' }, bars),
      h('div', { class: 'w-took', 'aria-hidden': 'true' }, took), h('span', { class: 'hidden' }, words));
  };
  const timing = (p) => `, begins after ${spoken(p.at - start)}, ${p.ms === null ? 'still running' : 'takes ' + spoken(p.ms)}`;

  const ticks = h('div', { class: 'w-ticks', 'aria-hidden': 'true' });
  const every = step(whole, 5);
  for (let at = 0; at <= whole * 1.0001; at += every) {
    const tick = h('i', null, h('span', null, at > whole * 0.88 ? '' : at ? duration(at) : '0'));
    tick.style.left = `${(at / whole) * 100}%`;
    ticks.append(tick);
  }
  for (const b of builds) {
    if (b.outcome === 'same' || b.at < start || b.at > end) continue;
    const mark = h('b', { class: b.outcome === 'failed' ? 'failed' : null, title: b.outcome === 'failed' ? 'a build failed' : `build ${b.number} ready` });
    mark.style.left = `${((b.at - start) / whole) * 100}%`;
    ticks.append(mark);
  }

  const totals = new Map();
  for (const p of d.phases ?? []) totals.set(p.name, (totals.get(p.name) ?? 0) + length(p));
  const rows = [row('Request', 0, (d.phases?.length ? d.phases : [{ name: 'whole', at: d.at, ms: d.ms }]).map(
    (p) => bar(phases[p.name] ? `p-${p.name}` : '', p, `${phases[p.name] ?? escape(p.name, 40)}: ${duration(length(p))}, from ${duration(p.at - start) || '0'} on`)), duration(length(d)), spoken(d.ms))];
  (d.upstream ?? []).forEach((u, i) => {
    const address = escape(u.url.replace(/^https?:\/\//, ''), 200);
    const name = button({ class: 'plain', title: escape(u.url, 500), onclick: () => onupstream(i) },
      `${escape(u.method, 12)} ${address}`);
    rows.push(row([name, h('em', { class: u.error || u.status >= 500 ? 'bad' : null }, u.error ? escape(u.error, 60) : u.status || '')], 1,
      bar(`p-exchange k-${kind({ ...u, outcome: u.error || 'ok' })}`, u, `${escape(u.method, 12)} ${address}: ${duration(length(u))}`), duration(length(u)), `upstream exchange${timing(u)}`));
  });
  for (const [span, depth] of nested(d.spans ?? [])) {
    const bad = /err/i.test(span.status ?? '');
    rows.push(row([h('span', { title: escape(span.name, 500) }, escape(span.name, 200)), bad ? h('em', { class: 'bad' }, ' ', escape(span.status, 60)) : null], depth + 1,
      bar('p-span', span, `${escape(span.name, 200)}: ${duration(length(span))}`), duration(length(span)), `span${timing(span)}`));
  }
  const cut = ['upstream', 'phases', 'spans'].filter((k) => d.truncated?.[k]).map((k) => `${d.truncated[k]} more ${k === 'upstream' ? 'upstream exchanges' : k}`);
  return h('section', { class: 'waterfall', 'aria-label': 'Timeline' },
    h('div', { class: 'w-head' }, h('h3', null, 'Timeline'), ticks), h('ol', null, rows),
    h('ul', { class: 'legend', 'aria-label': 'Time by kind' }, [...totals].map(([name, ms]) => h('li', null,
      h('i', { class: phases[name] ? `p-${name}` : null }), phases[name] ?? escape(name, 40), ' ', h('b', { title: spoken(ms) }, duration(ms))))),
    cut.length ? h('p', { class: 'note' }, `Not kept: ${cut.join(', ')}.`) : null);
}

// nested returns spans below their parents, each with its depth, in the order in which they began.
function nested(spans) {
  const known = new Set(spans.map((s) => s.id)), below = new Map();
  for (const s of [...spans].sort((a, b) => a.at - b.at)) {
    const parent = known.has(s.parent) && s.parent !== s.id ? s.parent : '';
    below.set(parent, [...(below.get(parent) ?? []), s]);
  }
  const out = [], seen = new Set();
  const walk = (id, depth) => {
    for (const s of below.get(id) ?? []) {
      if (seen.has(s)) continue;
      seen.add(s);
      out.push([s, depth]);
      walk(s.id, depth + 1);
    }
  };
  walk('', 0);
  for (const s of spans) if (!seen.has(s)) out.push([s, 0]); // parents that go in a circle
  return out;
}

export { waterfall, nested, bounds };
