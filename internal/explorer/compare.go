package explorer

import (
	"net/http"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/timeline"
)

// Compared is a response that is compared with another one, without its secrets.
type Compared struct {
	Status  int    // 0 for none
	Outcome string // "ok", or why there is none
	// Headers and Trailers are names and values. Those that differ by nature, such as Date, are
	// not among them.
	Headers, Trailers [][2]string
	// Body has its content coding undone; Cut says that it is not all of it.
	Body []byte
	Cut  bool
}

// Difference is one between two responses.
type Difference struct {
	Place string `json:"place"`
	Kind  string `json:"kind"` // changed, missing or added
	A     string `json:"a"`
	B     string `json:"b"`
}

// Comparison is what differs between two responses.
type Comparison struct {
	Same        bool         `json:"same"`
	Text        string       `json:"text"`
	Differences []Difference `json:"differences"`
}

// compared returns the response for a comparison.
func (s *state) compared() Compared {
	m := s.masking(false)
	c := Compared{Status: s.status, Outcome: s.outcome}
	if m.response == nil {
		return c
	}
	fields := func(list []Header) (out [][2]string) {
		for _, f := range list {
			switch http.CanonicalHeaderKey(f.Name) {
			case "Date", "Content-Length":
				continue
			}
			if f.Secret {
				f.Value = "REDACTED"
			}
			out = append(out, [2]string{f.Name, f.Value})
		}
		return out
	}
	c.Headers, c.Trailers = fields(m.response.Headers), fields(m.response.Trailers)
	body := s.trace.Body(timeline.ResponseBody)
	c.Cut = !body.Whole()
	if m.response.Body.Text != "" {
		c.Body = []byte(m.response.Body.Text)
	} else {
		c.Body = decoded(&side{headers: fixture.FieldsOf(s.responseFields.header()), body: body})
	}
	return c
}

func (e *Explorer) serveCompare(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	for _, name := range []string{"a", "b"} {
		if query.Get(name) == "" {
			return &apiError{
				http.StatusBadRequest, name + " is missing",
				"compare?a=17&b=18 compares the responses of two requests",
			}
		}
	}
	a, err := e.wanted(query.Get("a"))
	if err != nil {
		return err
	}
	b, err := e.wanted(query.Get("b"))
	if err != nil {
		return err
	}
	if !a.ended || !b.ended {
		return &apiError{http.StatusConflict, "one of the requests has not ended", "wait for it"}
	}
	result := e.options.Compare(a.compared(), b.compared())
	if result.Differences == nil {
		result.Differences = []Difference{}
	}
	writeJSON(w, http.StatusOK, result)
	return nil
}
