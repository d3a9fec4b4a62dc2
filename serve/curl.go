package serve

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
)

// bodyFile is where the command reads a body that is not known whole.
const bodyFile = "request-body"

// curlCommand returns a command for a POSIX shell that sends the request again.
// The note says what the user must do first; "" if nothing.
func curlCommand(r *http.Request, body *sample) (command, note string) {
	args := []string{"curl", "-i"}
	target := r.RequestURI
	switch {
	case strings.HasPrefix(target, "/"):
		// Otherwise curl resolves dots in the path by itself.
		if strings.Contains(target, "/.") {
			args = append(args, "--path-as-is")
		}
		// And it takes brackets and braces for patterns.
		if strings.ContainsAny(target, "[]{}") {
			args = append(args, "--globoff")
		}
	default:
		args = append(args, "--request-target", term.ShellWord(target))
		target = "/"
	}
	hasBody := r.ContentLength != 0
	switch {
	case r.Method == http.MethodHead:
		args = append(args, "--head")
	case r.Method != http.MethodGet || hasBody:
		args = append(args, "-X", term.ShellWord(r.Method))
	}
	address := reachable(r)
	args = append(args, term.ShellWord("http://"+address+target))
	if address != r.Host {
		args = append(args, "-H", term.ShellWord("host: "+r.Host))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name == "Content-Length" {
			continue
		}
		for _, value := range r.Header[name] {
			header := strings.ToLower(name) + ": " + value
			if value == "" {
				header = strings.ToLower(name) + ";"
			}
			args = append(args, "-H", term.ShellWord(header))
		}
	}
	if !hasBody {
		return strings.Join(args, " "), ""
	}
	args = append(args, "--data-binary")
	text, whole := body.whole()
	word := term.ShellWord(string(text))
	switch {
	case !whole:
		args = append(args, "@"+bodyFile)
		note = "write the body of the request, which was not kept, to the file " + bodyFile
	case strings.HasPrefix(word, "$") || strings.HasPrefix(string(text), "@"):
		// An argument cannot hold every byte, nor begin with curl's sign for a file.
		args = slices.Concat([]string{term.ShellPrintf(string(text)), "|"}, args, []string{"@-"})
	default:
		args = append(args, word)
	}
	return strings.Join(args, " "), note
}

// reachable returns the authority under which the user can reach the server:
// the Host of r if it names this machine, otherwise the local address of the
// connection, because only a proxy or the client may know the name.
func reachable(r *http.Request) string {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return r.Host
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.Trim(r.Host, "[]"), "80"
	}
	_, localPort, err := net.SplitHostPort(local.String())
	if err == nil && port == localPort && (host == "localhost" || net.ParseIP(host) != nil) {
		return r.Host
	}
	return local.String()
}
