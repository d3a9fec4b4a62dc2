package serve

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// curlCommand returns a command for a POSIX shell that sends the request again.
// A body that is not known whole is left for the user to put into a file.
func curlCommand(r *http.Request, body *requestBody) string {
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
		args = append(args, "--request-target", quote(target))
		target = "/"
	}
	hasBody := r.ContentLength != 0
	switch {
	case r.Method == http.MethodHead:
		args = append(args, "--head")
	case r.Method != http.MethodGet || hasBody:
		args = append(args, "-X", quote(r.Method))
	}
	args = append(args, quote("http://"+r.Host+target))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name == "Content-Length" {
			continue
		}
		for _, value := range r.Header[name] {
			header := strings.ToLower(name) + ": " + value
			if value == "" {
				header = strings.ToLower(name) + ";"
			}
			args = append(args, "-H", quote(header))
		}
	}
	if hasBody {
		args = append(args, "--data-binary", bodyArgument(body))
	}
	return strings.Join(args, " ")
}

// bodyArgument returns the quoted body, or the name of a file to be made.
func bodyArgument(body *requestBody) string {
	text, ok := body.whole()
	// An argument can neither hold a zero byte nor begin with curl's sign for a
	// file.
	if !ok || strings.ContainsRune(string(text), 0) || strings.HasPrefix(string(text), "@") {
		return "@request-body"
	}
	return quote(string(text))
}

// quote makes s one word of a POSIX shell; what such a shell cannot write as it
// is uses the escapes of $'…', which bash, zsh and POSIX.1-2024 know.
func quote(s string) string {
	plain, printable := true, utf8.ValidString(s)
	for _, c := range s {
		if c < 0x20 || c == 0x7f {
			printable = false
		}
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,", c) {
			plain = false
		}
	}
	switch {
	case plain && s != "":
		return s
	case printable:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString("'")
	return b.String()
}
