package validate

import "fmt"

// mismatch says where two types differ, the outermost place first.
type mismatch struct {
	where string
	err   error // what differs there
}

func (m *mismatch) Error() string {
	if m.where == "" {
		return "type mismatch: " + m.err.Error()
	}
	return "type mismatch in " + m.where + ": " + m.err.Error()
}

// within adds a place to what is wrong inside of it; "" says only that it is a mismatch.
func within(err error, place string, args ...any) error {
	where := fmt.Sprintf(place, args...)
	inner, ok := err.(*mismatch)
	switch {
	case !ok:
		return &mismatch{where, err}
	case where == "":
		return inner
	case inner.where != "":
		where += ", " + inner.where
	}
	return &mismatch{where, inner.err}
}
