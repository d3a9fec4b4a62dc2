// The page: what it knows, what it shows, and the keys.

import { api, takeToken, Failed } from './api.js';
import { byId, h, fill, button, escape, say, toast } from './dom.js';
import { clock, duration, kind, plural } from './format.js';
import { Store, Table, summary, buildText } from './list.js';
import { Strip } from './strip.js';
import { Detail } from './detail.js';
import * as actions from './actions.js';

const store = new Store();
let state = null, query = '', comparing = null, session = 0, stop = new AbortController(), stale = false;

const act = {
  close: () => closeDetail(),
  failed: actions.failed,
  select: (seq) => select(seq, { open: true }),
  again: (d) => actions.again(d, (seq) => select(seq, { follow: true })),
  edit: (d) => actions.edit(d, (seq) => select(seq, { follow: true })),
  curl: (d) => actions.curl(d),
  save: (d) => actions.save(d, state?.fixtures),
  compare: (d) => startCompare(d),
  compareWith: (a, b) => compare(a, b),
};
const detail = new Detail(store, act);
const table = new Table(store, (seq, how) => {
  if (how.compare && table.selected && table.selected !== seq) compare(table.selected, seq);
  else select(seq, how);
});
const strip = new Strip(store, (seq) => select(seq, { open: true }), (span) => {
  store.span = span;
  changed();
});

// --- what is on the screen ---------------------------------------------------------------------

// changed draws list and strip anew: at most ten times a second, however much happens.
let drawn = 0, waiting = false;
function changed() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => requestAnimationFrame(() => {
    waiting = false;
    drawn = performance.now();
    draw();
  }), Math.max(0, drawn + 100 - performance.now()));
}

function draw() {
  table.refresh();
  strip.selected = table.selected;
  strip.draw();
  const requests = table.items.filter((i) => !i.mark).length;
  byId('count').textContent = summary(store, table.items);
  const undo = byId('undo-span');
  if (store.span && !undo) byId('axis').append(button({ id: 'undo-span', onclick: () => { store.span = null; changed(); } }, 'Whole time ×'));
  else if (!store.span) undo?.remove();
  empty(requests);
  const newest = store.newest(), mark = byId('build');
  mark.hidden = !newest;
  if (newest) {
    mark.className = newest.outcome === 'failed' ? 'failed' : '';
    mark.textContent = newest.outcome === 'failed' ? 'build failed' + (newest.number ? `, still serving ${newest.number}` : '') : `build ${newest.number}`;
    mark.title = buildText(newest);
  }
}

function empty(requests) {
  const box = byId('empty');
  box.hidden = requests > 0;
  byId('table').classList.toggle('none', !table.items.length);
  if (requests || box.dataset.of === `${store.requests.size > 0}`) return;
  box.dataset.of = `${store.requests.size > 0}`;
  if (store.requests.size) {
    fill(box, h('p', null, 'No request matches.'), button({ onclick: () => { store.span = null; find(''); byId('q').focus(); } }, 'Show all'));
    return;
  }
  const address = state?.address ?? location.origin + '/';
  const command = /^https?:/.test(address) ? `curl ${address}` : 'curl --unix-socket …';
  fill(box, h('h2', null, 'No requests yet'), h('p', null, 'Each request that the component gets shows up here at once. Send one:'),
    h('p', { class: 'command' }, h('code', null, escape(command, 300)), button({ onclick: () => actions.copy(command, 'The command is on the clipboard.') }, 'Copy')),
    /^https?:/.test(address) ? h('p', null, 'or open ', h('a', { href: address, target: '_blank', rel: 'noreferrer' }, escape(address, 300)), '.') : null);
}

// link says whether the page is connected; retry offers to try at once.
function link(name, text, retry) {
  const place = byId('link');
  place.className = `link ${name}`;
  place.querySelector('span').textContent = text;
  place.querySelector('button')?.remove();
  if (retry) place.append(button({ class: 'plain', onclick: retry }, 'Try now'));
}

// notice explains why there is nothing to see, or nothing new.
function notice(title, ...lines) {
  const box = byId('notice');
  box.hidden = !title;
  if (title) {
    document.body.classList.remove('open');
    fill(box, h('div', null, h('h2', { tabindex: '-1' }, title), lines.map((l) => h('p', null, l))));
    say(title);
  }
}

function noToken(wrong) {
  link('off', 'Not connected');
  const open = ['Press ', h('kbd', null, 'e'), ' in its terminal, or open the address that it printed, which ends with ', h('code', null, '#token=…'), '. The token stays out of the address bar and of the history, and reloading the page forgets it.'];
  if (wrong) notice('This page belongs to another run of wasihttp', open, state ? 'What you see below is what was there before.' : '');
  else notice('Open the explorer from wasihttp', open);
}

// --- connecting --------------------------------------------------------------------------------

// connectAlone connects unless a script of the component can read along: a service worker for this
// origin gets whatever the page asks for, and its headers.
function connectAlone() {
  if (!navigator.serviceWorker?.controller) return connect();
  const name = location.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
  link('off', 'Not connected');
  notice('A service worker of the component reads along', ['Pages of the component have registered it for this address. Open the explorer by a name for which they have not, such as ',
    h('code', null, `${location.protocol}//${name}:${location.port}${location.pathname}#token=…`), ', or remove the service worker in the tools of the browser.'],
  button({ onclick: () => connect() }, 'Connect anyway'));
}

// connect follows the server until the token is refused, and comes back after it was gone.
async function connect() {
  const mine = ++session;
  stop.abort();
  notice('');
  let wait = 500;
  while (mine === session) {
    stop = new AbortController();
    try {
      await load();
      wait = 500;
      await api.events(store.version, stop.signal, take);
    } catch (error) {
      if (mine !== session) return;
      if (error instanceof Failed && error.status === 401) return noToken(true);
      if (error instanceof Failed && error.status === 403) {
        link('off', 'Refused');
        return notice(escape(error.message), escape(error.hint ?? ''));
      }
      if (!(error instanceof Failed) && !stop.signal.aborted) console.error(error);
      if (!stale) say('wasihttp is gone. The page tries to connect again.');
      stale = true;
      await pause(wait, error);
      wait = Math.min(wait * 2, 10000);
    }
  }
}

// pause waits and says so; a press of the button ends it.
function pause(ms, error) {
  if (!state) notice('wasihttp does not respond', 'It is tried again and again. Is it still running in its terminal?');
  return new Promise((done) => {
    const until = Date.now() + ms;
    const finish = () => { clearInterval(ticking); done(); };
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      if (left <= 0) finish();
      else link('gone', `${error.status ? escape(error.message, 80) : 'wasihttp is gone'}, next try in ${left} s`, finish);
    };
    const ticking = setInterval(tick, 250);
    tick();
  });
}

async function load() {
  const [newState, list] = await Promise.all([api.state(), api.requests('', 1000, stop.signal)]);
  const other = state && state.started !== newState.started;
  state = newState;
  const { span, matching } = store;
  store.reset();
  Object.assign(store, { span, matching: other ? null : matching, limit: state.limits.requests, version: list.version });
  for (const b of list.builds ?? []) store.builds.set(b.seq, b);
  for (const s of [...(list.requests ?? [])].reverse()) store.put(s);
  byId('work').hidden = false;
  document.body.classList.remove('blank');
  notice('');
  link('on', 'Live');
  if (stale) say('Connected again.');
  stale = false;
  fill(byId('about'), h('span', { title: escape(state.component, 500) }, escape(fileName(state.component), 60)), /^https?:/.test(state.address) ? h('a', { href: state.address, target: '_blank', rel: 'noreferrer' }, escape(state.address.replace(/\/$/, ''), 120)) : escape(state.address, 120));
  document.title = `${escape(fileName(state.component), 60)} – wasihttp explorer`;
  if (!table.selected) detail.hint();
  byId('empty').dataset.of = '';
  if (query) filter();
  changed();
}

const fileName = (path) => path.split(/[/\\]/).pop();

let failures = 0, lastFailure = null, heard = 0;
function take(event) {
  if (event.request) {
    const s = event.request;
    store.put(s);
    if (query) filter();
    if (s.seq === table.selected && detail.shown?.seq === s.seq) refetch();
    if (s.seq === follow) {
      follow = 0;
      select(s.seq, { open: true, follow: true });
    }
    if (s.ms !== null && kind(s) === 'failed') {
      failures++;
      lastFailure = s;
      tellFailures();
    }
  } else if (event.build) {
    store.builds.set(event.build.seq, event.build);
    if (event.build.outcome !== 'same') say(event.build.outcome === 'failed' ? 'A build failed' : `Build ${event.build.number} is ready`);
  } else if (event.gone) setTimeout(() => { store.drop(event.gone); changed(); }, 150); // after those in their place
  else if (event.cleared) cleared();
  else return;
  changed();
}

// tellFailures says at most every ten seconds how many requests failed.
function tellFailures() {
  if (heard) return;
  heard = setTimeout(() => {
    heard = 0;
    if (failures) say(`${plural(failures, 'request')} failed, last ${escape(`${lastFailure.method} ${lastFailure.target}`, 60)}: ${lastFailure.outcome === 'ok' ? lastFailure.status : escape(lastFailure.outcome, 40)}`);
    failures = 0;
  }, say.last && Date.now() - say.last < 10000 ? 10000 : 500);
  say.last = Date.now();
}

// filter asks the server which requests match: at once, then at most every 0.7 s.
let asking = null, asked = 0, due = 0;
function filter() {
  if (due) return;
  due = setTimeout(async () => {
    due = 0;
    asked = performance.now();
    asking?.abort();
    const mine = asking = new AbortController();
    const input = byId('q');
    try {
      const list = query ? await api.requests(query, 1000, mine.signal) : null;
      if (mine !== asking) return;
      store.matching = list && new Set(list.requests.map((s) => s.seq));
      input.removeAttribute('aria-invalid');
      examples();
      changed();
    } catch (error) {
      if (mine.signal.aborted || !(error instanceof Failed) || error.status !== 400) return;
      input.setAttribute('aria-invalid', 'true');
      fill(byId('q-help'), h('span', { class: 'bad-note' }, escape([error.message, error.hint].filter(Boolean).join('. '))));
    }
  }, Math.max(query ? 120 : 0, asked + 700 - performance.now()));
}

function find(text) {
  byId('q').value = text;
  search(text);
}

function search(text) {
  query = text.trim();
  clearTimeout(due);
  due = 0;
  asked = 0;
  if (!query) {
    asking?.abort();
    store.matching = null;
    byId('q').removeAttribute('aria-invalid');
    examples();
    changed();
  } else filter();
}

function examples() {
  fill(byId('q-help'), ['is:failed', 'status:4xx', 'method:POST', 'path:/', 'body:text', 'is:slow', '-word'].map((word) =>
    button({ class: 'plain', tabindex: '-1', title: `Filter by ${word}`, onclick: () => {
      find(`${byId('q').value.trim()} ${word}`.trim());
      byId('q').focus();
    } }, word)));
}

// --- a request ---------------------------------------------------------------------------------

// select shows a request. open takes the focus to it, unless it is to stay in the list and both are
// in sight; follow waits for a request that is on its way.
let follow = 0, fetching = 0, again = 0;
async function select(seq, { open, stay, follow: wanted } = {}) {
  if (!seq) return;
  if (comparing && open && !wanted) {
    const a = comparing.seq;
    endCompare();
    if (a !== seq) return compare(a, seq);
  }
  if (wanted && !store.requests.has(seq)) follow = seq; // its event is on the way
  table.select(seq);
  strip.selected = seq;
  strip.draw();
  if (open || wanted) document.body.classList.add('open');
  await fetchDetail(seq);
  if (!open || wanted) return;
  if (stay && matchMedia('(min-width: 50.01rem)').matches) byId('table').focus({ preventScroll: true });
  else byId('heading')?.focus();
}

async function fetchDetail(seq) {
  const mine = ++fetching;
  try {
    const d = await api.request(seq);
    if (mine === fetching && table.selected === seq) detail.show(d);
  } catch (error) {
    if (mine === fetching) detail.problem(seq, error);
  }
}

// refetch brings the shown request up to date, at most three times a second.
function refetch() {
  if (again) return;
  again = setTimeout(() => {
    again = 0;
    if (detail.reading()) refetch();
    else if (detail.shown?.seq === table.selected) fetchDetail(table.selected);
  }, 330);
}

function closeDetail() {
  document.body.classList.remove('open');
  byId('table').focus({ preventScroll: true });
}

function cleared() {
  store.requests.clear();
  store.matching = query ? new Set() : null;
  store.span = null;
  table.selected = 0;
  fetching++;
  endCompare();
  document.body.classList.remove('open');
  detail.hint();
  changed();
}

// --- comparing ---------------------------------------------------------------------------------

function startCompare(d) {
  if (comparing) return endCompare();
  comparing = d;
  table.marked = d.seq;
  const earlier = [...store.requests.values()].filter((s) => s.method === d.method && s.target === d.target && s.seq < d.seq).pop();
  const box = byId('comparing');
  box.hidden = false;
  fill(box, h('p', null, 'Compare ', h('b', null, `${escape(d.method, 12)} ${escape(d.target, 60)}`), ' with: choose a request, then Enter'),
    earlier ? button({ id: 'earlier', onclick: () => { endCompare(); compare(earlier.seq, d.seq); } }, 'The same, before') : null,
    button({ onclick: endCompare }, 'Cancel'));
  document.body.classList.remove('open');
  byId('table').focus({ preventScroll: true });
  say('Choose the request to compare with, then press Enter');
  changed();
}

function endCompare() {
  comparing = null;
  table.marked = 0;
  byId('comparing').hidden = true;
  changed();
}

let sideBySide = true;
async function compare(a, b) {
  endCompare();
  fetching++;
  try {
    const [result, one, two] = await Promise.all([api.compare(a, b), summaryOf(a), summaryOf(b)]);
    table.marked = a;
    table.select(b);
    document.body.classList.add('open');
    const show = (side) => {
      sideBySide = side;
      detail.compare(one, two, result, side, (to) => { show(to); byId(`view-${to}`).focus(); });
    };
    show(sideBySide);
    byId('heading').focus();
  } catch (error) {
    actions.failed(error);
  }
}

const summaryOf = async (seq) => store.requests.get(seq) ?? api.request(seq);

// --- keys --------------------------------------------------------------------------------------

function withShown(run) {
  if (detail.shown) run(detail.shown);
  else if (table.selected && !byId('view-true')) toast('The request is being fetched.');
  else toast('Select a request first: j and k move.');
}

const keys = {
  '/': () => byId('q').select(),
  '?': () => actions.help(state),
  j: () => move(1), k: () => move(-1), g: () => move(-Infinity), G: () => move(Infinity),
  r: () => withShown(act.again), e: () => withShown(act.edit), c: () => withShown(act.curl), s: () => withShown(act.save), d: () => withShown(act.compare),
};
['Response', 'Request', 'Output', 'Upstream', 'Spans'].forEach((name, i) => {
  keys[i + 1] = () => { if (detail.shown && byId(`tab-${name}`)) detail.choose(name), say(name); };
});

function move(by) {
  select(table.step(by));
  if (!byId('detail').contains(document.activeElement)) byId('table').focus({ preventScroll: true });
}

function escapeKey() {
  if (comparing) endCompare();
  else if (byId('view-true')) select(table.selected, { open: true });
  else if (document.body.classList.contains('open') && byId('detail').contains(document.activeElement)) closeDetail();
  else if (store.span) store.span = null;
  else if (query) find('');
  else closeDetail();
  if (!table.marked || comparing === null) table.marked = comparing?.seq ?? 0;
  changed();
}

addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || e.isComposing || document.querySelector('dialog[open]') || byId('work').hidden) return;
  // A field of a dialog that has just closed keeps the focus for a moment.
  const inField = e.target.matches('input, textarea, select') && e.target.checkVisibility();
  if (e.key === 'Escape') {
    if (inField && e.target.value) find('');
    else if (inField) byId('table').focus();
    else escapeKey();
    e.preventDefault();
    return;
  }
  if (inField) {
    if (e.target.id === 'q' && (e.key === 'Enter' || e.key === 'ArrowDown')) {
      e.preventDefault();
      byId('table').focus();
      if (!table.selected) move(-Infinity);
    }
    return;
  }
  const inTable = e.target === byId('table') || e.target === document.body || e.target === byId('scroll');
  const page = Math.max(1, Math.floor(byId('scroll').clientHeight / 34) - 2);
  const moves = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity, PageDown: page, PageUp: -page };
  let run = keys[e.key];
  if (inTable && e.key in moves) run = () => move(moves[e.key]);
  if (inTable && e.key === 'Enter') run = () => select(table.selected || table.step(0), { open: true });
  if (!run) return;
  e.preventDefault();
  run();
});

byId('q').addEventListener('input', (e) => search(e.target.value));
document.querySelector('form.search').addEventListener('submit', (e) => e.preventDefault());
byId('help').addEventListener('click', () => actions.help(state));
byId('clear').addEventListener('click', () => actions.clear(store.requests.size, cleared));
addEventListener('hashchange', () => { if (takeToken()) connectAlone(); });
examples();
if (takeToken()) connectAlone();
else noToken(false);
