package e2e

// profiles says what the profile of a guest must have: a function that computes, and where it
// sleeps. There is a picture of each language.
var profiles = map[string]struct{ computes, sleeps, picture string }{
	"rust-kitchen":    {"rust_kitchen::", block + "rust_kitchen::stream::pause < ", "rust"},
	"rust-kitchen-p3": {"rust_kitchen_p3::", waitFor + handleP3, "rust-p3"},
	"c-kitchen":       {"", block, ""},
	"go-kitchen":      {"function ", "wasi:io/poll@0.2.12#poll < ", "go"},
	"go-kitchen-p3":   {"function ", waitFor + handleP3, "go-p3"},
	"py-kitchen":      {"_PyEval_EvalFrameDefault", "wasi:io/poll@0.2.12#", "python"},
	"py-kitchen-p3":   {"_PyEval_EvalFrameDefault", waitFor + handleP3, "python-p3"},
	"js-kitchen":      {"function ", "wasi:io/poll@0.2.12#poll < ", "javascript"},
	"qjs-kitchen-p3":  {"function ", block, "javascript-p3"},
}

const (
	block    = "wasi:io/poll@0.2.12#[method]pollable.block < "
	waitFor  = "wasi:clocks/monotonic-clock@0.3.2#wait-for < "
	handleP3 = "wasi:http/handler@0.3.0#handle"
)
