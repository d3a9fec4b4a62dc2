// Numbers and times as people read them. Pure functions.

const three = (n) => (n >= 99.95 ? n.toFixed(0) : n >= 9.995 ? n.toFixed(1) : n.toFixed(2)).replace(/\.0+$|(\.\d*?)0+$/, '$1');

// duration writes milliseconds with three digits: "376 µs", "1.08 ms", "1.5 s", "2 m 5 s".
function duration(ms) {
  if (!Number.isFinite(ms)) return '';
  if (ms < 0) return '−' + duration(-ms);
  if (ms < 0.0005) return '0 s';
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 999.5) return `${three(ms)} ms`;
  if (ms < 59950) return `${three(ms / 1000)} s`;
  const [hours, minutes, seconds] = parts(ms);
  const all = [hours && `${hours} h`, (minutes || (hours && seconds)) && `${minutes} m`, seconds && `${seconds} s`];
  return all.filter((part) => typeof part === 'string').join(' ');
}

function parts(ms) {
  const s = Math.round(ms / 1000);
  return [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
}

const plural = (n, one, many = one + 's') => `${n} ${Number(n) === 1 ? one : many}`;

// spoken writes milliseconds in words: "1.08 milliseconds", "2 minutes 5 seconds".
function spoken(ms) {
  if (!Number.isFinite(ms)) return 'still running';
  if (ms < 0.0005) return 'no time';
  if (ms < 0.9995) return plural(Math.round(ms * 1000), 'microsecond');
  if (ms < 999.5) return plural(three(ms), 'millisecond');
  if (ms < 59950) return plural(three(ms / 1000), 'second');
  const words = ['hour', 'minute', 'second'];
  return parts(ms).map((n, i) => n && plural(n, words[i])).filter(Boolean).join(' ');
}

// size writes bytes with a unit that is a power of 1000.
function size(n) {
  if (!Number.isFinite(n)) return '';
  if (n < 1000) return `${n} B`;
  let unit = 0;
  for (n /= 1000; n >= 999.95 && unit < 4; n /= 1000) unit++;
  return `${n.toFixed(1)} ${['kB', 'MB', 'GB', 'TB', 'PB'][unit]}`;
}

const two = (n, width = 2) => String(n).padStart(width, '0');

// clock writes a time of day; digits are those of the fraction of a second.
function clock(at, digits = 3) {
  const d = new Date(at);
  const text = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return digits ? `${text}.${two(Math.floor(((at % 1000) + 1000) % 1000), 3).slice(0, digits)}` : text;
}

// moment is the whole date and time.
const moment = (at) => `${new Date(at).toLocaleDateString()} ${clock(at)}`;

const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5];

// step is the distance of ticks, in milliseconds, so that a span has at most so many.
function step(span, most) {
  const least = span / Math.max(1, most);
  const found = least < 1 ? 0 : steps.find((s) => s >= least) ?? Math.ceil(least / 864e5) * 864e5;
  if (found) return found;
  const power = 10 ** Math.floor(Math.log10(least || 1e-3));
  return [1, 2, 5, 10].map((f) => f * power).find((s) => s >= least * 0.999999);
}

// hex is a dump of bytes: offset, sixteen bytes, and the same as ASCII.
function hex(bytes, from = 0, to = bytes.length) {
  const lines = [];
  for (let at = from; at < to; at += 16) {
    const row = bytes.subarray(at, Math.min(at + 16, to));
    let numbers = '', letters = '';
    for (let i = 0; i < 16; i++) {
      numbers += (i < row.length ? two(row[i].toString(16)) : '  ') + (i === 7 ? '  ' : ' ');
      if (i < row.length) letters += row[i] > 31 && row[i] < 127 ? String.fromCharCode(row[i]) : '·';
    }
    lines.push(`${two(at.toString(16), 8)}  ${numbers} ${letters}`);
  }
  return lines.join('\n');
}

// kind says what a request is for the eye: running, ok, moved, refused (4xx) or failed.
function kind(s) {
  if (s.ms === null || s.ms === undefined) return 'running';
  if (s.status >= 500 || !['', 'ok', undefined].includes(s.outcome)) return 'failed';
  return s.status >= 400 ? 'refused' : s.status >= 300 ? 'moved' : 'ok';
}

// verdict is the kind in words.
const verdict = (s) => ({
  running: 'running', ok: 'ok', moved: 'redirect', refused: 'client error',
  failed: s.outcome && s.outcome !== 'ok' ? s.outcome : 'server error',
})[kind(s)];

export { duration, spoken, plural, size, clock, moment, step, hex, kind, verdict };
