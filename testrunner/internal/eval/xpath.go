package eval

import (
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/xpath"
)

// xPath evaluates an expression over a document; err is the error of reading the document.
func (s *Scope) xPath(arg *hurl.Value, tree *xpath.Document, err error) (*Value, *Error) {
	source, evalErr := s.argument(arg)
	if evalErr != nil {
		return nil, evalErr
	}
	if err != nil {
		return nil, errorAt(arg.Range, "Invalid XML", "%v", err)
	}
	result, err := tree.Evaluate(s.Work, source)
	if err != nil {
		return nil, errorAt(arg.Range, "Invalid XPath expression", "%v", err)
	}
	switch result := result.(type) {
	case xpath.Nodeset:
		return some(Value{Kind: Nodeset, Int: int64(result)})
	case string:
		return some(text(result))
	case float64:
		return some(float(result))
	}
	return some(boolean(result == true))
}
