package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestFilesOfJavaScript has a StarlingMonkey component read and write files and send a request, and
// compares that with what wasmtime gives it.
func TestFilesOfJavaScript(t *testing.T) {
	if os.Getenv(guestsVariable) == "" || !ours() {
		return // needs guests that are built
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "upstream saw "+r.URL.Path) // the guest may have gone
	}))
	defer upstream.Close()
	rows := []asked{
		{"/list", "", 200, "dangling symbolic-link\nempty directory\nf.txt regular-file\n" +
			"link symbolic-link\nsub directory\nup symbolic-link\n"},
		{"/read/f.txt", "", 200, "regular-file 5 false\nhello"},
		{"/read/link", "", 200, "regular-file 5 false\nhello"},
		{"/read/missing", "", 500, "\"no-entry\"\n"},
		{"/read/up/secret", "", 500, "\"not-permitted\"\n"},
		{"/write/new", "written", 200, "7 bytes\n"},
		{"/read/new", "", 200, "regular-file 7 false\nwritten"},
		{"/remove/new", "", 200, "removed\n"},
		{"/read/new", "", 500, "\"no-entry\"\n"},
		{"/fetch?url=" + upstream.URL + "/x", "", 200, "200 upstream saw /x"},
	}
	component := built(t, "js-system")
	askDisk(t, serve(t, component, "--dir", plainRoot(t)+"::/data").URL, rows)
	peer := servePeer(t, component, "-Sinherit-network,network-error-code",
		"--dir", plainRoot(t)+"::/data")
	if peer != nil {
		askDisk(t, peer.URL, rows)
	}
}

// debugSession is a session of StarlingMonkey's debugger, seen from the editor: the engine has
// connected to it. A message is JSON after its length in bytes and a newline.
type debugSession struct {
	conn net.Conn
	in   *bufio.Reader
}

type debugMessage struct {
	Type  string `json:"type"`
	Path  string `json:"path,omitempty"`
	Line  int    `json:"line,omitempty"`
	Value any    `json:"value,omitempty"`
}

func (s *debugSession) send(t *testing.T, m debugMessage) {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	s.sendText(t, string(text))
}

func (s *debugSession) sendText(t *testing.T, text string) {
	t.Helper()
	if _, err := fmt.Fprintf(s.conn, "%d\n%s", len(text), text); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next message, which must be of that type.
func (s *debugSession) receive(t *testing.T, kind string) debugMessage {
	t.Helper()
	line, err := s.in.ReadString('\n')
	if err != nil {
		t.Fatalf("waiting for %q: %v", kind, err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(s.in, text); err != nil {
		t.Fatal(err)
	}
	var m debugMessage
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if m.Type != kind {
		t.Fatalf("message %s, want %q", text, kind)
	}
	return m
}

// accepted returns the next connection to the listener, and fails the test if none comes.
func accepted(t *testing.T, l *net.TCPListener, greeting string) *debugSession {
	t.Helper()
	deadline, _ := limited(t).Deadline()
	if err := l.SetDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(greeting))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != greeting {
		t.Fatalf("the engine says %q, %v; want %q", got, err, greeting)
	}
	return &debugSession{c, bufio.NewReader(c)}
}

func portListener(t *testing.T) (*net.TCPListener, string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return l, port
}

// TestStarlingMonkeyCanBeDebugged is the editor's side of StarlingMonkey's debugger: the engine
// connects for each request, asks for the port of a session, and there for a script, which sets
// breakpoints and stops at them.
func TestStarlingMonkeyCanBeDebugged(t *testing.T) {
	if os.Getenv(guestsVariable) == "" || !ours() {
		return // needs guests that are built
	}
	source, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "js-system", "system.js"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "debugger.js"))
	if err != nil {
		t.Fatal(err)
	}
	line := 1 + strings.Count(strings.Split(string(source), "return new Response(`${greeting}")[0], "\n")

	editor, port := portListener(t)
	sessions, sessionPort := portListener(t)
	server := serve(t, built(t, "js-system"), "--env", "DEBUGGER_PORT="+port, "--timeout", "0",
		"--allow-net", "127.0.0.1:"+port, "--allow-net", "127.0.0.1:"+sessionPort)
	begin := func(path string) chan answer {
		c, done := client(t), make(chan answer, 1)
		go func() { done <- ask(t, c, http.MethodGet, server.URL+path, nil) }()
		return done
	}
	responded := func(done chan answer, want string) {
		t.Helper()
		if got := <-done; got.status != http.StatusOK || got.body != want || got.cut != nil {
			t.Errorf("response %+v, want %q", got, want)
		}
	}
	reply := func(text string) {
		t.Helper()
		if _, err := io.WriteString(accepted(t, editor, "get-session-port").conn, text); err != nil {
			t.Fatal(err)
		}
	}

	// Without a session, requests are handled as ever.
	done := begin("/greet/one")
	reply("no-session")
	responded(done, "hello one\n")

	// In two requests side by side, each with a session of its own.
	type debugged struct {
		session *debugSession
		done    chan answer
		name    string
	}
	var all []debugged
	for _, name := range []string{"two", "three"} {
		done := begin("/greet/" + name)
		reply(sessionPort + "\n")
		s := accepted(t, sessions, "get-debugger")
		s.sendText(t, string(script))
		s.receive(t, "attached")
		s.send(t, debugMessage{Type: "break", Path: "system.js", Line: line})
		if set := s.receive(t, "set"); set.Value != true {
			t.Fatalf("no breakpoint at line %d", line)
		}
		s.send(t, debugMessage{Type: "continue"})
		if hit := s.receive(t, "hit"); hit.Line != line {
			t.Errorf("stopped at line %d, want %d", hit.Line, line)
		}
		all = append(all, debugged{s, done, name})
	}
	for _, d := range all {
		d.session.send(t, debugMessage{Type: "eval", Value: "greeting + ', ' + verb"})
		if got := d.session.receive(t, "value").Value; got != "hello "+d.name+", greet" {
			t.Errorf("evaluated to %q", got)
		}
		select {
		case got := <-d.done:
			t.Errorf("a response while the guest is stopped: %+v", got)
		default:
		}
		d.session.send(t, debugMessage{Type: "continue"})
		responded(d.done, "hello "+d.name+"\n")
	}

	// Without an editor.
	_ = editor.Close()
	responded(begin("/greet/four"), "hello four\n")
	if err := server.WaitOutput(limited(t), "continuing without debugging"); err != nil {
		t.Error(err)
	}
}
