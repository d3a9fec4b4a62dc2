// Package panics finds what a guest says about its own failure in what it writes to standard error:
// the message of a panic, of an exception that nothing caught, or of an assertion, in the forms in
// which the runtimes of languages print it.
package panics

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/words"
)

// maxMessage is how long a message may be, in characters.
const maxMessage = 300

// Find returns the message in lines of standard error; "" if there is none.
func Find(lines []string) string {
	var f Finder
	for _, line := range lines {
		f.Line(line)
	}
	return f.Message()
}

// Finder reads lines of standard error and remembers the message of the last failure that they
// tell of. It holds no more than that message, however much is written. The zero Finder has read
// nothing yet.
type Finder struct {
	message string
	state   state
	// script is set while message is that of an interpreted program, and nothing but its stack and
	// empty lines have come after it: a panic that follows is only the interpreter giving up.
	script bool
	// before is the line before, which is a message if a stack follows.
	before string
	// later is set in a group of exceptions after the first of them.
	later bool
	// kind is the type of a C++ exception whose message is on the next line.
	kind string
}

// state is what the next line is a part of.
type state int

const (
	idle      state = iota
	traceback       // the frames of a traceback of Python
	rust            // the message of a panic of Rust
	rustMore        // its further lines
	rustOver        // a panic of an interpreter, whose program's message is known
	goPanic         // the values of panics of Go that were raised one in another
	script          // what comes after "Exception while …" of StarlingMonkey
)

// Message returns the message on one line, without escape sequences and control characters; "" for
// none.
func (f *Finder) Message() string { return f.message }

// Line reads the next line, which has no line end.
func (f *Finder) Line(line string) {
	line = strings.TrimRight(words.StripEscapes(line), " \t\r")
	before := f.before
	f.before = line
	switch f.state {
	case traceback:
		if f.inTraceback(line) {
			return
		}
	case rust, rustMore, rustOver:
		if f.inRust(line) {
			return
		}
	case goPanic:
		if text, ok := strings.CutPrefix(line, "\tpanic: "); ok {
			f.set(withoutRecovered(text))
			return
		}
		if strings.HasPrefix(line, "\t") {
			return
		}
		f.state = idle
	case script:
		f.state = idle
		if m := find(jsPlace, line); m != nil {
			line = m[1]
		}
		f.setScript(line)
		return
	}
	f.begin(line, before)
}

// begin finds the beginning of a message.
func (f *Finder) begin(line, before string) {
	switch {
	case line == "":
		return
	case strings.HasSuffix(line, tracebackHead):
		f.state = traceback
		return
	case line[0] == ' ' || line[0] == '\t' || strings.HasPrefix(line, "Stack:") ||
		isMozillaFrame(line) || line == "stack traceback:":
		f.indented(line, before)
		return
	}
	switch i := strings.Index(line, "panicked at "); {
	case i < 0:
	case f.panicked(line[i+len("panicked at "):]):
		return
	}
	f.plain(line)
}

// plain finds messages of one line.
func (f *Finder) plain(line string) {
	for _, known := range prefixes {
		text, ok := strings.CutPrefix(line, known.prefix)
		if !ok {
			continue
		}
		if known.whole {
			text = line
		}
		switch known.state {
		case script:
			if known.prefix == "Exception while " {
				f.state = script
				return
			}
			f.setScript(text)
			return
		case goPanic:
			text = withoutRecovered(text)
			f.state = goPanic
		}
		f.set(text)
		return
	}
	if text, ok := strings.CutPrefix(line, "terminate called after throwing an instance of "); ok {
		f.kind = strings.Trim(text, "'")
		f.set(f.kind)
		return
	}
	for _, form := range forms {
		if !strings.Contains(line, form.part) {
			continue
		}
		if m := find(form.pattern, line); m != nil {
			f.set(m[1])
			return
		}
	}
	f.script = false
}

// prefixes begin lines that tell of a failure.
var prefixes = []struct {
	prefix string
	whole  bool // the prefix is a part of the message
	state  state
}{
	{"panic: ", false, goPanic},
	{"fatal error: ", true, idle}, // Go's runtime
	{"Assertion failed: ", true, idle},
	{"libc++abi: ", false, idle},
	{"*** stack smashing detected ***", true, idle},
	{"Fatal Python error: ", true, idle},
	{"Error while running request handler: ", false, script},
	{"Exception while ", false, script},
	{"Promise rejected but never handled: ", false, script},
	{"Uncaught ", false, script},
	{"Unhandled exception. ", false, idle}, // .NET
	{"Unhandled Exception: ", false, idle},
	{"Fatal error: ", true, idle}, // Swift
	{"abort: ", false, idle},      // AssemblyScript
}

// form is that of messages that do not begin their line.
type form struct {
	// part is in each such line. The message is what is in the groups of the pattern, which is
	// compiled when a line has part.
	part, pattern string
}

var forms = []form{
	{" panic: ", `^thread \d+ panic: (.+)`},                       // Zig
	{" runtime error: ", `^[^ ]+:\d+:\d+: runtime error: (.+)`},   // sanitizers of C
	{"==ERROR: ", `^==\d+==ERROR: (.+)`},                          // AddressSanitizer
	{": Assertion ", `: (Assertion .+ failed\.?)$`},               // glibc
	{": Fatal error: ", `^[^ ]+:\d+: (Fatal error: .+)`},          // Swift
	{"Exception in thread ", `^Exception in thread "[^"]*" (.+)`}, // Java, Kotlin
	{":in ", `^[^ ]+:\d+:in .+?: (.+ \([\w:]+\))$`},               // Ruby
	{"PHP ", `^PHP (?:Fatal|Parse) error: +(.+)`},                 // PHP
	{"lua", `^[\w.-]*lua[\w.-]*: (.+:\d+: .+)`},                   // Lua
}

// Patterns of lines. Each is compiled when it is needed, which is rare.
const (
	// rustPlace is where a panic of Rust was raised, the last on its line.
	rustPlace = `:\d+:\d+:$`
	// rustInline is the form of Rust before 1.73: 'MESSAGE', FILE:LINE:COLUMN.
	rustInline = `^'(.*)', \S+:\d+:\d+$`
	// jsPlace begins a message of StarlingMonkey.
	jsPlace = `^\S+:\d+:\d+ (.+)`
	// mozillaFrame is a line of a stack as SpiderMonkey writes it.
	mozillaFrame = `^[\w$./<>\[\]*]*@\S+:\d+:\d+$`
	// thrown is a line with the message of an exception, which a stack makes certain.
	thrown = `^(?:[\w.$]+\.)?[A-Z][\w$]*(?:Error|Exception)\b(?:: .*)?$`
	// jsValue is an exception of JavaScript as QuickJS's host writes it: the message is a literal
	// of Rust.
	jsValue = `Exception \{ message: Some\("((?:[^"\\]|\\.)*)"\)`
)

// find returns the matches of the groups of a pattern in text; nil if it does not match.
func find(pattern, text string) []string {
	return regexp.MustCompile(pattern).FindStringSubmatch(text)
}

// isMozillaFrame reports whether text is a line of a stack as SpiderMonkey writes it.
func isMozillaFrame(text string) bool {
	return text != "" && text[len(text)-1] <= '9' && strings.Contains(text, "@") &&
		find(mozillaFrame, text) != nil
}

// tracebackHead is the line before the frames of a traceback.
const tracebackHead = "Traceback (most recent call last):"

// indented reads a line of a stack, which says that the line before it was a message.
func (f *Finder) indented(line, before string) {
	text := strings.TrimLeft(line, " \t")
	switch {
	case f.kind != "" && strings.HasPrefix(text, "what():"):
		f.set(f.kind + ": " + strings.TrimSpace(strings.TrimPrefix(text, "what():")))
	case (strings.HasPrefix(text, "at ") || isMozillaFrame(text)) &&
		find(thrown, before) != nil:
		f.setScript(before)
	}
}

// inTraceback reads a line after the head of a traceback, and reports whether it belongs there. The
// exceptions of a group have a margin each; the first of them is what counts.
func (f *Finder) inTraceback(line string) bool {
	text := strings.TrimLeft(line, " ")
	inGroup := strings.HasPrefix(text, "|") || strings.HasPrefix(text, "+")
	switch {
	case text == "":
		return true
	case strings.HasPrefix(text, "+"):
		// "+-+---- 1 ----", "+---- 2 ----" and, at the end, "+----".
		f.later = !strings.HasSuffix(strings.TrimRight(text, "-"), " 1 ")
		return true
	case inGroup:
		text = text[1:]
		if strings.HasPrefix(text, "  ") || f.later || strings.HasSuffix(text, tracebackHead) {
			return true
		}
		f.setScript(strings.TrimSpace(text))
		return true
	case len(text) < len(line):
		return true // a frame or its source
	}
	f.state = idle
	if f.later {
		f.later = false
		return false
	}
	f.setScript(text)
	return true
}

// panicked reads what is after "panicked at", and reports whether it has that form.
func (f *Finder) panicked(at string) bool {
	over := f.script && f.message != ""
	switch m := find(rustInline, at); {
	case m != nil:
		if !over {
			f.set(m[1])
		}
	case find(rustPlace, at) != nil:
		f.state = rust
		if over {
			f.state = rustOver
		}
	case strings.HasPrefix(at, "'"): // a message of several lines, in the old form
		if !over {
			f.set(at[1:])
		}
	default:
		return false
	}
	return true
}

// inRust reads a line after "panicked at", and reports whether it is a part of the message.
func (f *Finder) inRust(line string) bool {
	over := strings.HasPrefix(line, "note: ") || strings.HasPrefix(line, "stack backtrace:") ||
		strings.Contains(line, "panicked at ")
	switch {
	case over:
		f.state = idle
		return !strings.Contains(line, "panicked at ")
	case f.state == rustOver:
		return true
	case f.state == rust:
		if line == "" {
			return true // messages may begin with an empty line
		}
		f.state = rustMore
		if isConsequence(line) && f.message != "" {
			f.state = rustOver
			return true
		}
		f.set(line)
		return true
	}
	if m := find(jsValue, line); m != nil {
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(m[1], `\'`, `'`) + `"`)
		if err != nil {
			text = m[1]
		}
		f.setScript(text)
		f.state = rustOver
		return true
	}
	// The values of assert_eq! and assert_ne!.
	text := strings.TrimSpace(line)
	if strings.HasPrefix(text, "left: ") || strings.HasPrefix(text, "right: ") {
		sep := ", "
		if strings.HasPrefix(text, "left: ") {
			sep = "; "
		}
		f.set(f.message + sep + text)
		return true
	}
	if strings.HasPrefix(line, " ") || line == ")" {
		return true
	}
	f.state = idle
	return false
}

// isConsequence reports whether a panic only says that the one before it cannot be handled.
func isConsequence(message string) bool {
	return message == "panic in a function that cannot unwind" ||
		message == "panic in a destructor during cleanup"
}

// withoutRecovered removes what Go adds to panics that were recovered and raised again.
func withoutRecovered(text string) string {
	text = strings.TrimSuffix(text, " [recovered]")
	return strings.TrimSuffix(text, " [recovered, repanicked]")
}

// setScript remembers the message of an interpreted program.
func (f *Finder) setScript(text string) {
	if text == "" {
		return
	}
	text = strings.TrimPrefix(text, "Uncaught ")
	f.set(strings.TrimPrefix(text, "(in promise) "))
	f.script = true
}

// set remembers a message.
func (f *Finder) set(text string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	f.message, f.script = words.Shorten(words.Clean(text), maxMessage), false
}
