package wasi

// UseKind is the kind of a Use.
type UseKind string

// The kinds of uses, and what the name of each is.
const (
	// UseInterface is a call of a function of an interface, whose name ends with the version that
	// is offered.
	UseInterface UseKind = "interface"
	// UseOutbound is a request through wasi:http to host:port.
	UseOutbound UseKind = "outbound"
	// UseNetwork is a socket's use of an address with its port, 0 for any; the look-up of a name;
	// or *, a socket where there may be none.
	UseNetwork UseKind = "network"
	// UsePath is an operation on a path, as the guest sees it.
	UsePath UseKind = "path"
	// UseEnvironment is the reading of the environment, once for the name of each variable: guests
	// get all variables at once.
	UseEnvironment UseKind = "environment"
	// UseConfig is the reading of a key of wasi:config; one without a value is refused.
	UseConfig UseKind = "config"
	// UseKeyValue is the opening of a bucket of wasi:keyvalue, or an operation on it.
	UseKeyValue UseKind = "keyvalue"
)

// Use is something outside of a guest that it has used, or that was refused to it.
type Use struct {
	Kind UseKind
	Name string
	// Write is set for an operation that changes what a path leads to, or a bucket.
	Write bool
	// Refused is set if the embedder's decisions forbid it.
	Refused bool
}

// Uses reports a use to the embedder, if the Config asks for it.
func (s *State) Uses(kind UseKind, name string, refused bool) {
	use := Use{Kind: kind, Name: name, Refused: refused}
	if s.cfg.Used != nil {
		s.cfg.Used(use)
	}
	if refused && kind == UseNetwork && s.cfg.Refusals != nil {
		s.cfg.Refusals.Refused(use)
	}
}

// Writes reports a use that changes something.
func (s *State) Writes(kind UseKind, name string, refused bool) {
	if s.cfg.Used != nil {
		s.cfg.Used(Use{Kind: kind, Name: name, Write: true, Refused: refused})
	}
}
