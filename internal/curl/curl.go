// Package curl writes requests as commands that send them again.
package curl

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
)

// Request is a request to be sent again.
type Request struct {
	Method string
	// Scheme is "https", or else http. Address is what the command connects to: a host, with its
	// port if that is not the one of the scheme.
	Scheme, Address string
	// Host is the value of the header field; "" if it is Address.
	Host string
	// Target is the request target as it was sent.
	Target string
	// Headers are names and values in the order of the command; Content-Length is left out.
	Headers [][2]string
	// HasBody reports whether there is a body, and Whole whether it is all in Body.
	HasBody, Whole bool
	Body           []byte
}

// bodyFile is where the command reads a body of which only a part is known.
const bodyFile = "request-body"

// Command returns a command for a POSIX shell that sends the request. The note says what the user
// must do first; "" if nothing.
func (r *Request) Command() (command, note string) {
	args := []string{"curl", "-i"}
	target := r.Target
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
	switch {
	case r.Method == http.MethodHead:
		args = append(args, "--head")
	case r.Method != http.MethodGet || r.HasBody:
		args = append(args, "-X", term.ShellWord(r.Method))
	}
	args = append(args, term.ShellWord(cmp.Or(r.Scheme, "http")+"://"+r.Address+target))
	if r.Host != "" && r.Host != r.Address {
		args = append(args, "-H", term.ShellWord("host: "+r.Host))
	}
	for _, h := range r.Headers {
		name, value := strings.ToLower(h[0]), h[1]
		switch {
		case name == "content-length":
		case value == "":
			args = append(args, "-H", term.ShellWord(name+";"))
		default:
			args = append(args, "-H", term.ShellWord(name+": "+value))
		}
	}
	if !r.HasBody {
		return strings.Join(args, " "), ""
	}
	args = append(args, "--data-binary")
	word := term.ShellWord(string(r.Body))
	switch {
	case !r.Whole:
		args = append(args, "@"+bodyFile)
		note = "write the body of the request, which was not kept, to the file " + bodyFile
	case strings.HasPrefix(word, "$") || strings.HasPrefix(string(r.Body), "@"):
		// An argument cannot hold every byte, nor begin with curl's sign for a file.
		args = slices.Concat([]string{term.ShellPrintf(string(r.Body)), "|"}, args, []string{"@-"})
	default:
		args = append(args, word)
	}
	return strings.Join(args, " "), note
}
