package record

import (
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
)

// Rule chooses exchanges by the host or the path of their request, or by the media type of their
// response.
type Rule struct {
	kind    string // "host", "path" or "type"
	pattern *regexp.Regexp
}

// ruleKinds are the words before the colon.
var ruleKinds = []string{"host", "path", "type"}

// ParseRule parses host:PATTERN, path:PATTERN or type:PATTERN; * in a pattern stands for any text.
func ParseRule(text string) (Rule, error) {
	kind, pattern, ok := strings.Cut(text, ":")
	if !ok || !slices.Contains(ruleKinds, kind) || pattern == "" {
		return Rule{}, fmt.Errorf("%q is not host:PATTERN, path:PATTERN or type:PATTERN", text)
	}
	expr := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	if kind != "path" {
		expr = "(?i)" + expr
	}
	// What was quoted is an expression.
	return Rule{kind, regexp.MustCompile("^(?s:" + expr + ")$")}, nil
}

// matches reports whether the rule chooses an exchange.
func (r *Rule) matches(x *fixture.Exchange) bool {
	u, err := url.Parse(x.Request.URL)
	if err != nil {
		return false
	}
	switch r.kind {
	case "host":
		return r.pattern.MatchString(u.Host) || r.pattern.MatchString(u.Hostname())
	case "path":
		return r.pattern.MatchString(u.Path)
	}
	if x.Response == nil {
		return false
	}
	kind, _, _ := mime.ParseMediaType(x.Response.Headers.Get("content-type"))
	return r.pattern.MatchString(kind)
}

// Filter chooses exchanges. The zero value chooses all.
type Filter struct {
	// Include, if it has rules of a kind, chooses those that one of them matches.
	Include []Rule
	// Exclude leaves out those that one of its rules matches.
	Exclude []Rule
}

// keeps reports whether the filter chooses an exchange.
func (f *Filter) keeps(x *fixture.Exchange) bool {
	for _, r := range f.Exclude {
		if r.matches(x) {
			return false
		}
	}
	for _, kind := range ruleKinds {
		wanted, matched := false, false
		for _, r := range f.Include {
			if r.kind == kind {
				wanted, matched = true, matched || r.matches(x)
			}
		}
		if wanted && !matched {
			return false
		}
	}
	return true
}
