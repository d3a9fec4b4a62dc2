// One request: how it ended, its timeline, and its messages, output and upstream exchanges.

import { byId, h, button, escape, show } from './dom.js';
import { clock, duration, moment, plural, size, spoken, kind, verdict } from './format.js';
import { body } from './body.js';
import { waterfall } from './waterfall.js';
import { api } from './api.js';

const mask = '••••••••';

// Detail shows a request in its place. act has a function for each action.
class Detail {
  constructor(store, act) {
    Object.assign(this, { store, act, place: byId('detail'), tab: 'Response', shown: null, opened: new Map() });
  }

  // hint is shown while nothing is selected.
  hint() {
    this.shown = null;
    this.place.replaceChildren(h('p', { class: 'center' }, 'Select a request to see what it did. ', h('kbd', null, 'j'), ' ', h('kbd', null, 'k'), ' move, ', h('kbd', null, '?'), ' lists all keys.'));
  }

  problem(seq, error) {
    this.shown = null;
    this.place.replaceChildren(h('div', { class: 'center' }, h('h2', { tabindex: '-1' }, `Request ${seq}`), h('p', null, escape(error.message)), error.hint && h('p', null, escape(error.hint)), this.back()));
  }

  back() { return button({ class: 'back', onclick: this.act.close }, '← Requests'); }

  // show shows a request; if it is shown already, focus and place of reading stay.
  show(d) {
    const same = this.shown?.seq === d.seq;
    const focused = same && this.place.contains(document.activeElement) ? document.activeElement.id : '';
    const top = same ? this.place.scrollTop : 0;
    const inner = same ? this.panel?.querySelector('.view pre')?.scrollTop : 0;
    if (!same) this.opened.clear();
    this.shown = d;
    this.place.replaceChildren(this.head(d), this.failure(d), waterfall(d, this.store.builds.values(), (i) => {
      this.choose('Upstream');
      byId(`upstream-${i}`)?.scrollIntoView({ block: 'start' });
      const box = byId(`upstream-${i}`);
      if (box) box.open = true;
      box?.querySelector('summary').focus();
    }), ...this.tabs(d));
    this.place.scrollTop = top;
    if (focused) byId(focused)?.focus({ preventScroll: true });
    if (inner) requestAnimationFrame(() => { this.panel.querySelector('.view pre')?.scrollTo(0, inner); });
  }

  // reading reports whether some of its text is selected, which showing it anew would undo.
  reading() {
    const chosen = getSelection();
    return !chosen.isCollapsed && this.place.contains(chosen.anchorNode);
  }

  head(d) {
    const state = kind(d);
    const facts = [d.ms === null ? 'running' : h('span', { title: spoken(d.ms) }, duration(d.ms)), d.response ? size(d.bytes) : null,
      d.build ? `build ${d.build}` : null, escape(d.protocol, 20), d.host && escape(d.host, 80), h('time', { datetime: new Date(d.at).toISOString(), title: moment(d.at) }, clock(d.at)), d.id && `[${escape(d.id, 20)}]`];
    const action = (label, key, run, title) => button({ id: `do-${key}`, title: title ?? label, 'aria-keyshortcuts': key, onclick: run }, label, h('kbd', { 'aria-hidden': 'true' }, key));
    const { act } = this;
    return h('header', { class: 'request' }, this.back(),
      h('h2', { tabindex: '-1', id: 'heading' }, h('span', { class: 'method' }, escape(d.method, 20)), ' ', h('span', { class: 'target' }, escape(d.target))),
      h('p', { class: 'facts' }, h('b', { class: `pill k-${state}` }, `${d.status || ''} ${escape(verdict(d), 40)}`.trim()), facts.filter(Boolean).map((f) => h('span', null, f)),
        d.sentAgainFrom ? h('span', null, '↻ sent again from ', button({ class: 'plain', onclick: () => act.select(d.sentAgainFrom) }, String(d.sentAgainFrom)), ' ',
          button({ class: 'plain', onclick: () => act.compareWith(d.sentAgainFrom, d.seq) }, 'compare')) : null),
      h('div', { class: 'actions', role: 'toolbar', 'aria-label': 'Actions' },
        action('Send again', 'r', () => act.again(d)), action('Edit and send', 'e', () => act.edit(d)), action('Copy as curl', 'c', () => act.curl(d)),
        action('Save as fixture', 's', () => act.save(d)), action('Compare', 'd', () => act.compare(d), 'Compare the response with another one')));
  }

  failure(d) {
    const f = d.failure;
    if (!f && d.message) return h('section', { class: 'failure', 'aria-label': 'Failure' }, h('h3', null, show(d.message)));
    if (!f) return '';
    // The message often begins with what the headline says already.
    const rest = f.headline && f.message?.startsWith(f.headline) ? f.message.slice(f.headline.length).replace(/^[\s:]+/, '') : f.message;
    return h('section', { class: 'failure', 'aria-label': 'Failure' }, h('h3', null, show(f.headline || f.message)),
      rest && f.headline ? h('p', { class: 'cause' }, show(rest)) : null,
      f.hint ? h('p', { class: 'hint' }, h('b', null, 'Hint'), ' ', show(f.hint)) : null,
      f.backtrace?.length ? h('details', { open: true }, h('summary', null, 'Backtrace, innermost call first'), h('ol', { class: 'trace' }, f.backtrace.map((line) => h('li', null, show(line))))) : null);
  }

  tabs(d) {
    const output = d.stdout || d.stderr;
    const names = { Response: null, Request: null, Output: output ? ' •' : '', Upstream: d.upstream?.length ? ` ${d.upstream.length}` : '', ...(d.spans?.length ? { Spans: ` ${d.spans.length}` } : {}) };
    if (!(this.tab in names)) this.tab = 'Response';
    this.panel = h('div', { role: 'tabpanel', id: 'panel', tabindex: '0' });
    this.list = h('div', { role: 'tablist', 'aria-label': 'Parts of the request', onkeydown: (e) => {
      const all = [...this.list.children], at = all.findIndex((t) => t.getAttribute('aria-selected') === 'true');
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      e.stopPropagation();
      const next = all[(to + all.length) % all.length];
      this.choose(next.dataset.name);
      next.focus();
    } }, Object.entries(names).map(([name, extra]) => button({ role: 'tab', id: `tab-${name}`, 'data-name': name, 'aria-controls': 'panel', onclick: () => this.choose(name) },
      name, extra ? h('small', null, extra) : null)));
    this.fill();
    return [this.list, this.panel];
  }

  choose(name) {
    this.tab = name;
    this.fill();
  }

  fill() {
    const d = this.shown;
    for (const tab of this.list.children) {
      const on = tab.dataset.name === this.tab;
      tab.setAttribute('aria-selected', String(on));
      tab.tabIndex = on ? 0 : -1;
    }
    this.panel.setAttribute('aria-labelledby', `tab-${this.tab}`);
    this.panel.replaceChildren(...({
      Response: () => d.response ? this.message(d, d.response, 'response') : [h('p', { class: 'none' }, d.ms === null ? 'No response yet.' : d.status ?
        `The component made no response. The client got status ${d.status} from wasihttp.` : 'There was no response.')],
      Request: () => this.message(d, d.request, 'request'),
      Output: () => this.output(d),
      Upstream: () => this.upstream(d),
      Spans: () => this.spans(d),
    })[this.tab]());
  }

  // message shows the fields and the body of a message; part is its name in the API, which gives
  // its own path in the whole.
  message(d, m, part) {
    if (!m) return [h('p', { class: 'none' }, 'None.')];
    const find = (whole) => part.split('/').reduce((at, key) => at?.[key], whole);
    const trailers = m.trailers?.length ? [h('h4', null, 'Trailers'), this.fields(d, m.trailers, part + '/trailers', async () => find(await api.request(d.seq, true))?.trailers)] : [];
    return [
      h('h4', { class: 'first' }, 'Body'),
      body(m.body, () => api.body(d.seq, part), async () => find(await this.revealed(d))?.body, part.endsWith('request') ? 'The request has no body.' : 'The response has no body.'),
      h('h4', null, 'Headers'),
      this.fields(d, m.headers, part, async () => find(await this.revealed(d))?.headers), ...trailers,
    ];
  }

  async revealed(d) {
    try {
      return await api.request(d.seq, true);
    } catch (error) {
      this.act.failed(error);
    }
  }

  fields(d, fields, part, reveal) {
    if (!fields?.length) return h('p', { class: 'none' }, 'None.');
    const cell = (f, i) => {
      const key = `${part}/${i}`;
      if (!f.secret || this.opened.has(key)) return h('td', null, show(this.opened.get(key) ?? f.value));
      const masked = button({ class: 'reveal', 'aria-label': `Show the value of ${escape(f.name, 60)}`, onclick: async () => {
        const value = (await reveal())?.[i]?.value;
        if (value === undefined) return;
        this.opened.set(key, value);
        const open = h('td', { tabindex: '-1' }, show(value));
        masked.parentElement.replaceWith(open);
        open.focus();
      } }, h('span', { 'aria-hidden': 'true' }, mask), ' Show');
      return h('td', null, masked);
    };
    return h('table', { class: 'fields' }, h('thead', { class: 'hidden' }, h('tr', null, h('th', { scope: 'col' }, 'Name'), h('th', { scope: 'col' }, 'Value'))),
      h('tbody', null, fields.map((f, i) => h('tr', null, h('th', { scope: 'row' }, show(f.name)), cell(f, i)))));
  }

  output(d) {
    const part = (name, text, cut) => [h('h4', null, name), text ? h('pre', { tabindex: '0' }, show(text)) : h('p', { class: 'none' }, 'Nothing.'),
      cut ? h('p', { class: 'note' }, 'The rest was not kept.') : null].filter(Boolean);
    return [...part('stderr', d.stderr, d.stderrCut), ...part('stdout', d.stdout, d.stdoutCut)];
  }

  upstream(d) {
    if (!d.upstream?.length) return [h('p', { class: 'none' }, 'The component sent no requests to other servers.')];
    return d.upstream.map((u, i) => h('details', { class: 'exchange', id: `upstream-${i}`, open: d.upstream.length === 1 },
      h('summary', null, h('span', { class: 'method' }, escape(u.method, 20)), ' ', h('span', { class: 'target' }, escape(u.url)), ' ',
        h('b', { class: `pill k-${kind({ ...u, outcome: u.error || 'ok' })}` }, u.error ? escape(u.error, 80) : String(u.status || 'running')), ' ', h('small', null, duration(u.ms))),
      h('h3', null, 'Response'), u.response ? this.message(d, u.response, `upstream/${i}/response`) : h('p', { class: 'none' }, u.error ? `None: ${escape(u.error)}` : 'None yet.'),
      h('h3', null, 'Request'), this.message(d, u.request, `upstream/${i}/request`)));
  }

  spans(d) {
    return d.spans.map((s) => h('details', { class: 'exchange' },
      h('summary', null, h('span', { class: 'target' }, escape(s.name, 300)), ' ', h('small', null, `${duration(s.ms)}, ${Math.abs(s.at - d.at) < 36e5 ? `after ${duration(s.at - d.at)}` : `at ${moment(s.at)}`}`), s.status ? h('small', null, ` ${escape(s.status, 80)}`) : null),
      this.fields(d, Object.entries(s.attributes ?? {}).map(([name, value]) => ({ name, value: typeof value === 'string' ? value : JSON.stringify(value) })), '')));
  }

  // compare shows how two responses differ.
  compare(a, b, result, side, choose) {
    this.shown = null;
    const one = (s, name) => h('div', null, h('b', null, name), ' ', button({ class: 'plain', onclick: () => this.act.select(s.seq) }, `${escape(s.method, 12)} ${escape(s.target, 200)}`),
      h('p', { class: 'facts' }, h('b', { class: `pill k-${kind(s)}` }, `${s.status || ''} ${escape(verdict(s), 40)}`.trim()), h('span', null, duration(s.ms)), s.build ? h('span', null, `build ${s.build}`) : null, h('span', null, clock(s.at))));
    const view = result.same ? h('p', { class: 'same' }, 'The responses are the same.') : side ?
      h('table', { class: 'differences' }, h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Place'), h('th', { scope: 'col' }, 'A'), h('th', { scope: 'col' }, 'B'))),
        h('tbody', null, result.differences.map((x) => h('tr', null, h('th', { scope: 'row' }, show(x.place), h('small', null, { missing: 'only in A', added: 'only in B' }[x.kind] ?? escape(x.kind, 30))),
          h('td', { class: 'a' }, x.kind === 'added' ? '' : h('del', null, show(x.a))), h('td', { class: 'b' }, x.kind === 'missing' ? '' : h('ins', null, show(x.b))))))) :
      h('pre', { class: 'unified', tabindex: '0' }, result.text.split('\n').map((line) => h('span', { class: /^\s*\+/.test(line) ? 'b' : /^\s*-/.test(line) ? 'a' : null }, show(line), '\n')));
    const way = (name, on) => button({ id: `view-${on}`, 'aria-pressed': String(side === on), onclick: () => choose(on) }, name);
    this.place.replaceChildren(h('header', { class: 'request' }, button({ class: 'always', onclick: () => this.act.select(b.seq) }, '← Back'),
      h('h2', { tabindex: '-1', id: 'heading' }, result.same ? 'No differences' : plural(result.differences.length, 'difference')),
      h('div', { class: 'pair' }, one(a, 'A'), one(b, 'B'))),
    h('div', { class: 'views' }, h('div', { role: 'group', 'aria-label': 'How differences are shown' }, way('Side by side', true), way('Unified', false))), view);
  }
}

export { Detail, mask };
