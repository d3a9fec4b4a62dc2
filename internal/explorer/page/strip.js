// The strip above the list: requests as bars and builds as marks on one axis of time.

import { byId, escape } from './dom.js';
import { clock, duration, kind, plural, step, moment } from './format.js';

// Pixels: the names of builds above, the times below, the height of a request, and the scale of
// durations at the right.
const labels = 16, axis = 18, bar = 5, scales = 56;

class Strip {
  // onselect gets the seq of a request that was clicked, onspan the span that was chosen.
  constructor(store, onselect, onspan) {
    Object.assign(this, { store, onselect, onspan, bars: [], drag: null });
    this.canvas = byId('strip');
    this.note = byId('range');
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.canvas.addEventListener('pointerdown', (e) => {
      if (e.button) return;
      this.canvas.setPointerCapture(e.pointerId);
      this.drag = { from: e.offsetX, to: e.offsetX };
    });
    this.canvas.addEventListener('pointermove', (e) => {
      if (this.drag) {
        this.drag.to = e.offsetX;
        this.draw();
      } else this.hover(e.offsetX, e.offsetY);
    });
    this.canvas.addEventListener('pointerleave', () => { this.note.hidden = true; });
    this.canvas.addEventListener('pointercancel', () => { this.drag = null; this.draw(); });
    this.canvas.addEventListener('pointerup', (e) => {
      const drag = this.drag;
      this.drag = null;
      if (!drag) return;
      const [left, right] = [drag.from, drag.to].sort((a, b) => a - b);
      if (right - left < 5) {
        const found = this.at(e.offsetX, e.offsetY);
        if (found?.seq) this.onselect(found.seq);
        this.draw();
      } else this.onspan([this.time(left), this.time(right)]);
    });
    this.canvas.addEventListener('dblclick', () => this.onspan(null));
  }

  // bounds are the first and the last moment of the axis.
  bounds() {
    const { store } = this;
    if (store.span) return store.span;
    let from = Infinity, to = -Infinity;
    for (const s of store.requests.values()) {
      from = Math.min(from, s.at);
      to = Math.max(to, s.at + (s.ms ?? Math.max(0, Date.now() - s.at)));
    }
    for (const b of store.marks().reverse()) {
      if (b.at < from && from <= to && from - b.at > to - from) continue; // it was long before
      from = Math.min(from, b.at);
      to = Math.max(to, b.at);
    }
    if (from > to) return [Date.now() - 6e4, Date.now()];
    const pad = Math.max((to - from) * 0.02, 5);
    return [from - pad, to + pad];
  }

  time(x) { return this.from + (x / this.width) * (this.to - this.from); }

  draw() {
    const { canvas, store } = this;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    const scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue('--' + name).trim();
    const c = canvas.getContext('2d');
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, width, height);
    c.font = `11px ${style.fontFamily}`;
    [this.from, this.to] = this.bounds();
    this.width = width - scales;
    const x = (at) => ((at - this.from) / (this.to - this.from)) * this.width;

    // The axis: ticks at round times of day.
    const span = this.to - this.from;
    const every = step(span, width / 110);
    const zone = new Date(this.from).getTimezoneOffset() * 6e4;
    const digits = every >= 1000 ? 0 : every >= 100 ? 1 : 3;
    c.fillStyle = colour('soft');
    c.strokeStyle = colour('line');
    c.textBaseline = 'middle';
    for (let at = Math.ceil((this.from - zone) / every) * every + zone; at < this.to; at += every) {
      const left = Math.round(x(at)) + 0.5;
      c.beginPath();
      c.moveTo(left, labels);
      c.lineTo(left, height - axis + 3);
      c.stroke();
      const text = clock(at, digits);
      if (left + 5 + c.measureText(text).width < this.width) c.fillText(text, left + 5, height - axis / 2);
    }

    // Builds below the requests.
    let free = -1;
    const builds = store.marks().filter((b) => b.outcome !== 'same' && b.at >= this.from && b.at <= this.to);
    for (const b of builds) {
      const left = Math.round(x(b.at)) + 0.5;
      const ink = colour(b.outcome === 'failed' ? 'bad' : 'accent');
      c.strokeStyle = c.fillStyle = ink;
      c.setLineDash(b.outcome === 'failed' ? [3, 3] : []);
      c.beginPath();
      c.moveTo(left, 2);
      c.lineTo(left, height - axis);
      c.stroke();
      c.setLineDash([]);
      const text = b.outcome === 'failed' ? 'build failed' : `build ${b.number}`;
      const wide = c.measureText(text).width;
      const start = left + 5 + wide > width ? left - 5 - wide : left + 5;
      if (start > free) {
        c.fillText(text, start, labels / 2);
        free = start + wide + 8;
      }
    }

    // Requests: the longer, the wider and the higher, on a logarithmic scale. Those that failed are
    // drawn last, so that others do not hide them.
    this.bars = [];
    const all = [...store.requests.values()];
    const level = (ms) => Math.log10(Math.max(ms, 0.01));
    let low = 0, high = 1;
    for (const s of all) {
      const ms = s.ms ?? Math.max(0, Date.now() - s.at);
      if (s.at + ms < this.from || s.at > this.to) continue;
      this.bars.push({ seq: s.seq, s, ms, left: x(s.at), right: Math.max(x(s.at) + bar, x(s.at + ms)), kind: kind(s), faded: store.matching && !store.matching.has(s.seq) });
      low = Math.min(low, Math.floor(level(ms)));
      high = Math.max(high, Math.ceil(level(ms)));
    }
    const y = (ms) => labels + (1 - (level(ms) - low) / (high - low)) * (height - labels - axis - bar);
    for (const b of this.bars) b.top = y(b.ms);
    c.textAlign = 'right';
    const few = Math.ceil((high - low) / 3);
    for (let power = low; power <= high; power += few) {
      c.strokeStyle = colour('line');
      c.beginPath();
      c.moveTo(0, Math.round(y(10 ** power) + bar / 2) + 0.5);
      c.lineTo(this.width, Math.round(y(10 ** power) + bar / 2) + 0.5);
      c.stroke();
      c.fillStyle = colour('soft');
      c.fillText(power < 3 ? duration(10 ** power) : `${10 ** power / 1000} s`, width - 6, y(10 ** power) + bar / 2);
    }
    c.textAlign = 'left';
    const order = ['ok', 'moved', 'running', 'refused', 'failed'];
    for (const state of order) {
      c.fillStyle = colour('k-' + state);
      for (const b of this.bars) {
        if (b.kind !== state) continue;
        c.globalAlpha = b.faded ? 0.15 : 0.85;
        c.beginPath();
        c.roundRect(b.left, b.top, b.right - b.left, bar, bar / 2);
        c.fill();
      }
    }
    c.globalAlpha = 1;
    const chosen = this.bars.find((b) => b.seq === this.selected);
    if (chosen) {
      c.strokeStyle = colour('ink');
      c.lineWidth = 1.5;
      c.strokeRect(chosen.left - 1.5, chosen.top - 1.5, chosen.right - chosen.left + 3, bar + 3);
      c.lineWidth = 1;
    }
    if (this.drag) {
      const [left, right] = [this.drag.from, this.drag.to].sort((a, b) => a - b);
      c.fillStyle = colour('accent');
      c.globalAlpha = 0.15;
      c.fillRect(left, 0, right - left, height - axis);
      c.globalAlpha = 1;
      this.tell(`${clock(this.time(left))} to ${clock(this.time(right))}: ${duration(this.time(right) - this.time(left))}`);
    }
    canvas.setAttribute('aria-label', all.length ? `${plural(this.bars.length, 'request')} and ${plural(builds.length, 'build')} between ${moment(this.from)} and ${clock(this.to, 0)}` : 'No requests yet');
  }

  // at is the bar below a point, or the nearest one up to some pixels away.
  at(x, y) {
    let best, least = 12;
    for (const b of this.bars) {
      const away = Math.max(b.left - x, x - b.right, 0) + Math.max(b.top - y, y - b.top - bar, 0);
      if (away < least) [best, least] = [b, away];
    }
    return best;
  }

  hover(x, y) {
    const found = this.at(x, y);
    this.canvas.style.cursor = found ? 'pointer' : 'crosshair';
    if (!found) return this.tell(clock(this.time(x)));
    const { s } = found;
    this.tell(`${clock(s.at)} ${escape(`${s.method} ${s.target}`, 70)} ${s.status || ''} ${s.ms === null ? 'running' : duration(s.ms)}`);
  }

  tell(text) {
    this.note.hidden = false;
    this.note.textContent = text;
  }
}

export { Strip };
