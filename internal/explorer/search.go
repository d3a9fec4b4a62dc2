package explorer

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/serve"
)

// word is a word of a search.
type word struct {
	not  bool
	name string // what stands before the colon; "" for none
	text string // in lower case
}

// searchNames are the names that can stand before a colon.
var searchNames = []string{"method", "path", "host", "status", "outcome", "build", "id", "body",
	"header", "output", "upstream", "is"}

// parseSearch parses the words of a search.
func parseSearch(q string) ([]word, error) {
	var terms []word
	for _, w := range splitWords(q) {
		t := word{text: w}
		if rest, ok := strings.CutPrefix(w, "-"); ok && rest != "" {
			t.not, t.text = true, rest
		}
		name, rest, ok := strings.Cut(t.text, ":")
		if ok && slices.Contains(searchNames, name) {
			t.name, t.text = name, rest
		}
		t.text = strings.ToLower(strings.ReplaceAll(t.text, `"`, ""))
		if use := t.invalid(); use != "" {
			return nil, &apiError{http.StatusBadRequest,
				"q: there is no " + t.name + ":" + t.text, "use " + use}
		}
		terms = append(terms, t)
	}
	return terms, nil
}

// invalid returns what can be used in place of a word that can match nothing; "" if it can.
func (t word) invalid() string {
	switch t.name {
	case "is":
		if !slices.Contains([]string{"slow", "failed", "running"}, t.text) {
			return "is:slow, is:failed or is:running"
		}
	case "outcome":
		return invalidOutcome(t.text)
	case "status":
		digits := strings.Trim(t.text, "0123456789x") == ""
		if t.text != "0" && (len(t.text) != 3 || !digits) {
			return "a status such as status:404 or status:5xx, or status:0 for none"
		}
	case "build":
		if _, err := strconv.ParseUint(t.text, 10, 64); err != nil {
			return "the number of a build, such as build:3"
		}
	}
	return ""
}

// invalidOutcome returns the outcomes that there are, for a text that is none of them.
func invalidOutcome(text string) string {
	use := ""
	for _, outcome := range serve.Outcomes() {
		if string(outcome) == text {
			return ""
		}
		use += ", outcome:" + string(outcome)
	}
	return "one of " + strings.TrimPrefix(use, ", ")
}

// splitWords returns the words of a search: what is in quotes is one.
func splitWords(q string) (words []string) {
	quoted := false
	return strings.FieldsFunc(q, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\n')
	})
}

// matches reports whether all terms match.
func (s *state) matches(terms []word) bool {
	for _, t := range terms {
		if s.matchesOne(t) == t.not {
			return false
		}
	}
	return true
}

func (s *state) matchesOne(t word) bool {
	has := func(in string) bool { return strings.Contains(strings.ToLower(in), t.text) }
	switch t.name {
	case "":
		status := strconv.Itoa(s.status)
		return has(s.method) || has(s.target) || has(s.host) || s.status != 0 && has(status) ||
			s.ended && has(s.outcome) || s.id == t.text
	case "method":
		return strings.EqualFold(s.method, t.text)
	case "path":
		return s.matchesPath(t.text)
	case "host":
		return strings.EqualFold(s.host, t.text) || has(s.host)
	case "status":
		return matchesStatus(s.status, t.text)
	case "outcome":
		return s.ended && s.outcome == t.text
	case "build":
		return strconv.FormatUint(s.build, 10) == t.text
	case "id":
		return s.id == t.text
	case "body":
		return has(string(s.shownBody(timeline.RequestBody))) ||
			has(string(s.shownBody(timeline.ResponseBody)))
	case "header":
		return hasField(s.fields.header(), has) || hasField(s.responseFields.header(), has)
	case "output":
		out, err := s.trace.Body(timeline.Stdout), s.trace.Body(timeline.Stderr)
		return has(string(out.Bytes)) || has(string(err.Bytes))
	case "upstream":
		list, _ := s.trace.Exchanges()
		return slices.ContainsFunc(list, func(x timeline.Exchange) bool { return has(x.URL) })
	}
	return s.is(t.text)
}

// is reports whether the request has a property.
func (s *state) is(what string) bool {
	const slow = 1000 // milliseconds
	switch what {
	case "running":
		return !s.ended
	case "slow":
		return s.ended && inMS(s.duration) >= slow
	}
	return s.ended && (s.outcome != "ok" || s.status >= http.StatusInternalServerError)
}

// shownBody returns what is kept of a body, with its coding undone.
func (s *state) shownBody(part timeline.Part) []byte {
	request, response := s.sides()
	switch {
	case part == timeline.RequestBody:
		return decoded(request)
	case response != nil:
		return decoded(response)
	}
	return nil
}

func (s *state) matchesPath(pattern string) bool {
	target, _, _ := strings.Cut(strings.ToLower(s.target), "?")
	for i, part := range strings.Split(pattern, "*") {
		at := strings.Index(target, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		target = target[at+len(part):]
	}
	return true
}

// matchesStatus reports whether a status is one, or of a class such as 5xx.
func matchesStatus(status int, text string) bool {
	got := strconv.Itoa(status)
	if len(text) != len(got) {
		return false
	}
	for i := range len(text) {
		if text[i] != 'x' && text[i] != got[i] {
			return false
		}
	}
	return true
}

func hasField(h http.Header, has func(string) bool) bool {
	for name, values := range h {
		for _, value := range values {
			if has(name + ": " + value) {
				return true
			}
		}
	}
	return false
}
