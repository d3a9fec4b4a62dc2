package serve

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/curl"
)

// curlCommand returns a command for a POSIX shell that sends the request again. The note says what
// the user must do first; "" if nothing.
func curlCommand(r *http.Request, body *sample) (command, note string) {
	again := curl.Request{
		Method: r.Method, Address: reachable(r), Host: r.Host, Target: r.RequestURI,
		HasBody: r.ContentLength != 0,
	}
	header := curl.Deliberate(r.Header)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			again.Headers = append(again.Headers, [2]string{name, value})
		}
	}
	if again.HasBody {
		again.Body, again.Whole = body.whole()
	}
	return again.Command()
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
