package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timetest"
)

// explored is a request as the explorer's API shows it.
type explored struct {
	Seq     int
	Outcome string
	Status  int
	MS      *float64
	Phases  []struct {
		Name string
		MS   *float64
	}
	Stdout, Stderr string
	Response       *struct{ Body struct{ Text string } }
	Failure        *struct{ Backtrace []string }
	Upstream       []struct {
		Method, URL, Error string
		Status             int
		Response           *struct{ Body struct{ Text string } }
	}
}

// in returns how long the request was in phases of a kind, in milliseconds.
func (x *explored) in(name string) (sum float64) {
	for _, p := range x.Phases {
		if p.Name == name && p.MS != nil {
			sum += *p.MS
		}
	}
	return sum
}

// explorerAPI asks the API of the explorer.
type explorerAPI struct {
	t           *testing.T
	base, token string
}

func (a *explorerAPI) get(path string, v any) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), "GET", a.base+"__wasihttp/api/"+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Wasihttp-Token", a.token)
	resp, err := client(a.t).Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil || resp.StatusCode != 200 {
		a.t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
}

// newest returns the newest request for a path, when it has ended.
func (a *explorerAPI) newest(path string) (x explored) {
	a.t.Helper()
	for {
		var list struct{ Requests []explored }
		a.get("requests?limit=1&q="+url.QueryEscape("path:"+path), &list)
		if len(list.Requests) == 1 && list.Requests[0].MS != nil {
			a.get("requests/"+strconv.Itoa(list.Requests[0].Seq), &x)
			return x
		}
	}
}

// TestTheExplorerShowsWhatGuestsOfAllLanguagesDo asks every kitchen for a pause, a request to
// another server, output and a failure, and looks for them in the explorer.
func TestTheExplorerShowsWhatGuestsOfAllLanguagesDo(t *testing.T) {
	if !ours() {
		return
	}
	const pause = 60 * time.Millisecond
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(pause)
		_, _ = io.WriteString(w, "from upstream")
	}))
	defer upstream.Close()
	for _, g := range guests(t) {
		if !strings.Contains(g.name, "kitchen") {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			path, err := filepath.Abs(g.path)
			if err != nil {
				t.Fatal(err)
			}
			server := serve(t, path)
			c := client(t)
			base, token, ok := strings.Cut(explorerAddress.FindString(server.Output()), "__wasihttp/#token=")
			if !ok {
				t.Fatalf("no address of the explorer in %q", server.Output())
			}
			api := explorerAPI{t, base, token}

			sameText(t, "hello", g.hello, get(t, c, server.URL+"/"))
			x := api.newest("/")
			if x.Response == nil || x.Response.Body.Text != g.hello || x.in("computing") == 0 || x.in("instance") == 0 {
				t.Errorf("/: got %+v", x)
			}

			timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
				get(t, c, server.URL+fmt.Sprintf("/sleep?ms=%d", 60*scale))
				most := 50 * float64(scale)
				if x := api.newest("/sleep"); x.in("host")+x.in("streaming") < most || x.in("computing") > most && g.instant {
					t.Errorf("/sleep: got %+v", x)
				}
			})

			if !g.fetchless {
				get(t, c, server.URL+"/fetch?keep=1&url="+upstream.URL+"/data")
				x := api.newest("/fetch")
				if len(x.Upstream) != 1 || x.Upstream[0].Method != "GET" || x.Upstream[0].URL != upstream.URL+"/data" ||
					x.Upstream[0].Status != 200 || x.Upstream[0].Response == nil ||
					x.Upstream[0].Response.Body.Text != "from upstream" || x.in("upstream") < 50 {
					t.Errorf("/fetch: got %+v", x)
				}
			}
			if g.name != "rust-kitchen-p3" { // which has no such route
				get(t, c, server.URL+"/log")
				if x := api.newest("/log"); x.Stdout+x.Stderr == "" {
					t.Errorf("/log: got %+v", x)
				}
			}
			send(t, c, "GET", server.URL+"/trap", "")
			x = api.newest("/trap")
			if x.Status != 500 || !g.trapless && (x.Outcome == "ok" || x.Failure == nil) {
				t.Errorf("/trap: got %+v", x)
			}
		})
	}
}
