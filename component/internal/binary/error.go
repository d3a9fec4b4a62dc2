package binary

import "fmt"

// Error says where and why the input is not a component.
type Error struct {
	Offset  int    // in the input, in bytes
	Section string // the section being read, such as "import section", "" outside of all
	Msg     string
}

// Error gives the text with the place.
func (e *Error) Error() string {
	if e.Section == "" {
		return fmt.Sprintf("%s (at offset 0x%x)", e.Msg, e.Offset)
	}
	return fmt.Sprintf("%s: %s (at offset 0x%x)", e.Section, e.Msg, e.Offset)
}
