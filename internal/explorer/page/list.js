// The requests that the page knows, and the table of them: only the rows in sight are elements.

import { byId, h, escape } from './dom.js';
import { clock, duration, plural, kind, verdict, spoken } from './format.js';

const height = 34, spare = 8;

// Store keeps what the server told, at most so many requests, and what the filter lets through.
class Store {
  constructor() {
    this.reset();
  }

  reset() {
    this.requests = new Map(); // by seq, in ascending order but for latecomers
    this.builds = new Map();
    this.gone = 0; // requests up to this number are not kept
    this.limit = 1000;
    this.matching = null; // the seqs that the filter lets through, or null
    this.span = null; // [from, to] that was chosen on the time axis, or null
  }

  put(summary) {
    if (summary.seq <= this.gone) return false;
    const before = this.requests.get(summary.seq);
    if (before && before.ms !== null && summary.ms === null) return false; // it has ended meanwhile
    this.requests.set(summary.seq, summary);
    if (this.requests.size > this.limit) this.requests.delete(this.requests.keys().next().value);
    return !before;
  }

  // drop forgets the requests up to seq.
  drop(seq) {
    this.gone = Math.max(this.gone, seq);
    for (const known of this.requests.keys()) if (known <= this.gone) this.requests.delete(known);
  }

  // items are requests, newest first, with the builds between them unless a filter is set.
  items() {
    const [from, to] = this.span ?? [-Infinity, Infinity];
    const inside = (at) => at >= from && at <= to;
    const all = [];
    for (const s of this.requests.values()) {
      if ((!this.matching || this.matching.has(s.seq)) && inside(s.at)) all.push(s);
    }
    if (!this.matching) for (const b of this.marks()) if (inside(b.at)) all.push({ mark: b, at: b.at });
    return all.sort((a, b) => b.at - a.at || (b.seq ?? 0) - (a.seq ?? 0));
  }

  // marks are the builds since the first request that is kept, and the last one before.
  marks() {
    let first = Infinity, before;
    for (const s of this.requests.values()) first = Math.min(first, s.at);
    const since = [];
    for (const b of this.builds.values()) {
      if (b.at >= first) since.push(b);
      else if (!before || b.at >= before.at) before = b;
    }
    if (before) since.push(before);
    return since.sort((a, b) => a.at - b.at);
  }

  newest() { return [...this.builds.values()].reduce((a, b) => (a && a.seq > b.seq ? a : b), undefined); }
}

// Table shows the items of a store. onselect is called with the seq that is selected, and whether
// it is to be opened.
class Table {
  constructor(store, onselect) {
    Object.assign(this, { store, onselect, selected: 0, marked: 0, items: [], top: -1 });
    this.scroll = byId('scroll');
    this.rows = byId('rows');
    this.grid = byId('table');
    this.newer = byId('newer');
    this.scroll.addEventListener('scroll', () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw(true)).observe(this.scroll);
    this.rows.addEventListener('click', (e) => {
      const row = e.target.closest('tr[data-seq]');
      if (row) this.onselect(Number(row.dataset.seq), { open: true, stay: true, compare: e.shiftKey });
    });
    this.newer.addEventListener('click', () => this.scroll.scrollTo({ top: 0 }));
  }

  // refresh takes what the store has now. What is in sight stays where it is, unless that is the
  // newest.
  refresh() {
    const before = this.items, top = this.scroll.scrollTop;
    this.items = this.store.items();
    const key = (i) => (i ? (i.mark ? `b${i.mark.seq}` : i.seq) : undefined);
    if (top > height / 2 && before.length) {
      const anchor = key(before[Math.floor(top / height)]);
      const now = this.items.findIndex((i) => key(i) === anchor);
      const was = Math.floor(top / height);
      if (anchor !== undefined && now > was) {
        this.drawSpace();
        this.scroll.scrollTop = top + (now - was) * height;
        this.unseen = (this.unseen ?? 0) + now - was;
      }
    }
    this.draw(true);
  }

  drawSpace() {
    this.rows.style.setProperty('--all', `${this.items.length * height}px`);
  }

  draw(anew) {
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / height) - spare);
    const last = Math.min(this.items.length, first + Math.ceil(this.scroll.clientHeight / height) + 2 * spare);
    if (!anew && first === this.top) return;
    this.top = first;
    this.drawSpace();
    if (this.scroll.scrollTop <= height / 2) this.unseen = 0;
    this.newer.hidden = !this.unseen;
    this.newer.textContent = `↑ ${this.unseen} newer`;
    this.grid.setAttribute('aria-rowcount', String(this.items.length + 1));
    // Rows that stay are kept, so that a click that begins on one ends on it.
    const kept = new Map([...this.rows.children].map((r) => [r.dataset.key, r]));
    const wanted = [];
    for (let i = first; i < last; i++) {
      const item = this.items[i];
      const key = item.mark ? `b${item.mark.seq}` : String(item.seq);
      let row = kept.get(key);
      if (!row || row.of !== (item.mark ?? item)) {
        const fresh = item.mark ? buildRow(item.mark) : requestRow(item);
        if (row) row.replaceChildren(...fresh.childNodes), row.className = fresh.className;
        else row = fresh;
        row.of = item.mark ?? item;
      }
      row.dataset.key = key;
      row.setAttribute('aria-rowindex', String(i + 2));
      row.style.transform = `translateY(${i * height}px)`;
      if (!item.mark) {
        row.setAttribute('aria-selected', String(item.seq === this.selected));
        row.classList.toggle('marked', item.seq === this.marked);
      }
      wanted.push(row);
    }
    const stay = new Set(wanted);
    for (const row of kept.values()) if (!stay.has(row)) row.remove();
    wanted.forEach((row, i) => { if (this.rows.children[i] !== row) this.rows.insertBefore(row, this.rows.children[i] ?? null); });
    const active = byId(`r${this.selected}`);
    if (active) this.grid.setAttribute('aria-activedescendant', active.id);
    else this.grid.removeAttribute('aria-activedescendant');
  }

  // select selects a request without opening it, and brings it into sight.
  select(seq, intoSight = true) {
    this.selected = seq;
    const at = this.items.findIndex((i) => i.seq === seq);
    if (intoSight && at >= 0) {
      const head = this.grid.tHead.offsetHeight;
      const { scrollTop, clientHeight } = this.scroll;
      if (at * height < scrollTop) this.scroll.scrollTop = at * height;
      else if ((at + 1) * height + head > scrollTop + clientHeight) this.scroll.scrollTop = (at + 1) * height + head - clientHeight;
    }
    this.draw(true);
  }

  // step returns the seq so many requests below the selected one, or the first or last.
  step(by) {
    const seqs = this.items.filter((i) => !i.mark).map((i) => i.seq);
    if (!seqs.length) return 0;
    const at = seqs.indexOf(this.selected);
    if (at < 0) return by < 0 && Number.isFinite(by) ? seqs[seqs.length - 1] : seqs[0];
    return seqs[Math.max(0, Math.min(seqs.length - 1, at + by))];
  }
}

function requestRow(s) {
  const state = kind(s);
  return h('tr', { role: 'row', id: `r${s.seq}`, 'data-seq': s.seq, class: `k-${state}` },
    h('td', { role: 'gridcell', class: 'c-at' }, clock(s.at)),
    h('td', { role: 'gridcell', class: 'c-method' }, escape(s.method, 12)),
    h('td', { role: 'gridcell', class: 'c-target', title: escape(s.target, 500) }, h('span', null, s.sentAgainFrom ? h('i', { title: `sent again from ${s.sentAgainFrom}` }, '↻ ') : null, escape(s.target, 400))),
    h('td', { role: 'gridcell', class: 'c-status' }, h('b', null, s.status ? String(s.status) : state === 'running' ? '…' : '—'),
      state === 'failed' && s.outcome !== 'ok' ? h('em', null, escape(s.outcome, 24)) : h('span', { class: 'hidden' }, verdict(s))),
    h('td', { role: 'gridcell', class: 'c-ms' }, s.ms === null ? h('span', { class: 'dots', 'aria-label': spoken(s.ms) }, '···') : duration(s.ms)));
}

function buildRow(b) {
  return h('tr', { role: 'row', class: `build b-${b.outcome}` }, h('td', { role: 'gridcell', colspan: '5' }, h('span', null, buildText(b))));
}

// buildText is what happened with a build, in one line.
function buildText(b) {
  const took = b.ms ? ` after ${duration(b.ms)}` : '';
  if (b.outcome === 'failed') return `${clock(b.at, 0)} build failed${b.message ? ': ' + escape(b.message, 200).split(' ').slice(0, 24).join(' ') : ''}`;
  if (b.outcome === 'same') return `${clock(b.at, 0)} built again, nothing changed`;
  return `${clock(b.at, 0)} build ${b.number} ready${took}`;
}

// summary is a sentence about what the table shows.
function summary(store, shown) {
  const all = store.requests.size;
  const requests = shown.filter((i) => !i.mark);
  const failed = requests.filter((s) => kind(s) === 'failed').length;
  const head = requests.length < all ? `${requests.length} of ${plural(all, 'request')}` : plural(all, 'request');
  return failed ? `${head}, ${failed} failed` : head;
}

export { Store, Table, buildText, summary };
