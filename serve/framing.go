package serve

import (
	"bytes"
	"strconv"
	"sync/atomic"
)

// framer follows the requests of a connection before net/http reads them. It does what net/http
// does not: it removes empty lines before a request, and finds requests after which the connection
// must be closed. It finds the end of a request as net/http does; if that is in doubt, it declares
// the request the last one and stops looking.
//
// Its methods belong to the reader of the connection, except isLast and isHostless.
type framer struct {
	state  frameState
	number uint64 // of the request that is being read, from 1
	// last is the number of the request after which the connection is closed, and hostless that of
	// a CONNECT without a Host, which is the last one, too; 0 for none.
	last, hostless atomic.Uint64
	limit          int // the longest request line, in bytes

	held bool   // a CR has been taken out whose LF may follow
	line []byte // the beginning of a line whose end was not in the same read
	long int    // the length of the request line so far, whose end has not been read

	// What the head says.

	first    bool   // its request line is not over yet
	old      bool   // HTTP/1.0
	http2    bool   // the rest of the connection is HTTP/2 (RFC 9113, section 3.4)
	connect  bool   // the method is CONNECT
	hosts    int    // Host lines
	lengths  int    // Content-Length lines
	length   uint64 // the value of the first one
	codings  int    // Transfer-Encoding lines
	framing  bool   // the line before is one of these
	doubtful bool   // something about them is not as it should be

	left uint64 // bytes of a body or of a chunk that are still to come
}

// frameState is what comes next on a connection.
type frameState int

const (
	frameStart     frameState = iota // a request
	frameHead                        // a line of its head
	frameBody                        // its body, of a known length
	frameChunkSize                   // the line before a chunk
	frameChunk                       // the data of a chunk, and the CRLF behind it
	frameTrailers                    // a line behind the last chunk
	frameOpaque                      // what does not matter any more
)

// maxFrameLine is how many bytes of a line are held until its end has been read. No line that
// decides about the framing is longer.
const maxFrameLine = 8 << 10

// maxKeptLine is the largest line buffer, in bytes, that is kept for the next line.
const maxKeptLine = 1 << 10

// isLast reports whether the connection is closed after the request of that number. It may be
// called once net/http has read the head of the request, from any goroutine.
func (f *framer) isLast(number uint64) bool {
	last := f.last.Load()
	return last != 0 && number >= last
}

// isHostless reports whether the request of that number is a CONNECT without a Host, which net/http
// lets pass. It may be called when isLast may.
func (f *framer) isHostless(number uint64) bool { return f.hostless.Load() == number }

// end makes the request that is being read the last one.
func (f *framer) end() {
	f.last.CompareAndSwap(0, f.number)
	f.state, f.line = frameOpaque, nil
}

// feed inspects bytes that were read, moves those meant for net/http to the front, and returns
// their number.
func (f *framer) feed(p []byte) int {
	kept := 0
	for rest := p; len(rest) > 0; {
		if f.state == frameStart && f.skipEmpty(rest) {
			rest = rest[1:]
			continue
		}
		n := f.step(rest)
		if kept < len(p)-len(rest) {
			copy(p[kept:], rest[:n])
		}
		kept, rest = kept+n, rest[n:]
	}
	return kept
}

// skipEmpty reports whether the next byte belongs to an empty line before a request (RFC 9112,
// section 2.2). Otherwise it begins a request.
func (f *framer) skipEmpty(rest []byte) bool {
	switch {
	case rest[0] == '\n':
		f.held = false
		return true
	case rest[0] == '\r' && !f.held:
		f.held = true
		return true
	}
	f.number++
	if f.held {
		// A CR without its LF is not an empty line, and nothing that begins with it is a request:
		// net/http gets the CR, in place of the byte after it.
		rest[0] = '\r'
		f.held = false
		f.end()
		return false
	}
	f.state, f.first, f.long = frameHead, true, 0
	f.old, f.connect, f.framing, f.doubtful = false, false, false, false
	f.hosts, f.lengths, f.codings = 0, 0, 0
	return false
}

// step consumes the next bytes and returns how many.
func (f *framer) step(rest []byte) int {
	switch f.state {
	case frameBody, frameChunk:
		n := len(rest)
		if uint64(n) > f.left {
			n = int(f.left)
		}
		if f.left -= uint64(n); f.left == 0 {
			if f.state == frameChunk {
				f.state = frameChunkSize
			} else {
				f.state = frameStart
			}
		}
		return n
	case frameOpaque:
		return len(rest)
	}
	at := bytes.IndexByte(rest, '\n')
	if at < 0 {
		f.hold(rest)
		return len(rest)
	}
	line := rest[:at]
	if len(f.line) > 0 {
		f.hold(line)
		line = f.line
	}
	f.long = 0
	switch f.state {
	case frameHead:
		f.headLine(bytes.TrimSuffix(line, []byte("\r")))
	case frameChunkSize:
		f.chunkLine(line)
	case frameTrailers:
		f.trailerLine(line)
	}
	if f.line = f.line[:0]; cap(f.line) > maxKeptLine {
		f.line = nil
	}
	return at + 1
}

// hold keeps the beginning of a line, and the end of a request line.
func (f *framer) hold(part []byte) {
	requestLine := f.state == frameHead && f.first
	if requestLine {
		f.long += len(part)
	}
	room := maxFrameLine - len(f.line)
	if len(part) <= room || !requestLine {
		f.line = append(f.line, part[:min(len(part), room)]...)
		return
	}
	const version = len(" HTTP/1.1\r")
	f.line = append(f.line, part...)
	f.line = append(f.line[:maxFrameLine-version], f.line[len(f.line)-version:]...)
}

// tooLong reports whether a request line is being read that is longer than the limit.
func (f *framer) tooLong() bool { return f.state == frameHead && f.first && f.long > f.limit }

// headLine takes a line of a head, without its end.
func (f *framer) headLine(line []byte) {
	switch {
	case f.first:
		f.first = false
		if f.number == 1 && string(line) == "PRI * HTTP/2.0" {
			f.http2, f.state = true, frameOpaque
			return
		}
		f.connect = bytes.HasPrefix(line, []byte("CONNECT "))
		f.old = bytes.HasSuffix(line, []byte(" HTTP/1.0"))
	case len(line) == 0:
		f.endHead()
	case line[0] == ' ' || line[0] == '\t':
		// It goes on with the line before.
		f.doubtful = f.doubtful || f.framing
	default:
		f.field(line)
	}
}

// field takes a header.
func (f *framer) field(line []byte) {
	f.framing = false
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch line[0] | 0x20 { // most headers need no more than a look at their first letter
	case 'h':
		if bytes.EqualFold(name, []byte("host")) {
			f.hosts++
		}
	case 'c':
		if bytes.EqualFold(name, []byte("content-length")) {
			f.framing = true
			n, err := strconv.ParseUint(string(bytes.Trim(value, " \t")), 10, 63)
			f.doubtful = f.doubtful || err != nil || f.lengths > 0 && n != f.length
			f.length = n
			f.lengths++
		}
	case 't':
		if bytes.EqualFold(name, []byte("transfer-encoding")) {
			f.framing = true
			f.doubtful = f.doubtful || f.codings > 0 ||
				!bytes.EqualFold(bytes.Trim(value, " \t"), []byte("chunked"))
			f.codings++
		}
	}
	f.doubtful = f.doubtful || f.framing && len(line) >= maxFrameLine
}

// endHead decides what comes after a head.
func (f *framer) endHead() {
	if f.connect && !f.old && f.hosts == 0 {
		f.hostless.CompareAndSwap(0, f.number)
	}
	switch {
	case f.connect, f.doubtful,
		// The framing is faulty (RFC 9112, section 6.1).
		f.codings > 0 && (f.old || f.lengths > 0):
		f.end()
	case f.codings > 0:
		f.state = frameChunkSize
	case f.lengths > 0 && f.length > 0:
		f.state, f.left = frameBody, f.length
	default:
		f.state = frameStart
	}
}

// chunkLine takes the line before a chunk, without its LF.
func (f *framer) chunkLine(line []byte) {
	text, ok := bytes.CutSuffix(line, []byte("\r"))
	size, _, _ := bytes.Cut(text, []byte(";"))
	size = bytes.TrimRight(size, " \t")
	n, err := strconv.ParseUint(string(size), 16, 63)
	switch {
	case !ok, err != nil, len(line) >= maxFrameLine:
		f.end() // net/http takes it for an error, too
	case n == 0:
		f.state = frameTrailers
	default:
		f.state, f.left = frameChunk, n+uint64(len("\r\n"))
	}
}

// trailerLine takes a line behind the last chunk, without its LF.
func (f *framer) trailerLine(line []byte) {
	switch text, ok := bytes.CutSuffix(line, []byte("\r")); {
	case !ok:
		f.end() // net/http looks for two CRLF
	case len(text) == 0:
		f.state = frameStart
	}
}
