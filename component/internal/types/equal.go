package types

import "sync"

// Equal reports whether two value types are the same structurally, resources by identity. Nil
// stands for no type.
//
// Types that were found equal are known to be from then on: those of streams, futures and results
// are compared for every call.
func Equal(a, b *Type) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Kind != b.Kind {
		return false
	}
	if a.Kind <= String {
		return true
	}
	if a.representative() == b.representative() {
		return true
	}
	if !equal(a, b) {
		return false
	}
	unite(a, b)
	return true
}

// representative returns the type that stands for all that are known to equal t.
func (t *Type) representative() *Type {
	for {
		next := t.same.Load()
		if next == nil {
			return t
		}
		t = next
	}
}

// uniting is held while representatives change, so that they form no cycle.
var uniting sync.Mutex

// unite records that a and b are equal.
func unite(a, b *Type) {
	uniting.Lock()
	defer uniting.Unlock()
	if a, b = a.representative(), b.representative(); a != b {
		b.same.Store(a)
	}
}

// equal compares types part by part.
func equal(a, b *Type) bool {
	if a.Len != b.Len || a.Resource != b.Resource ||
		len(a.Fields) != len(b.Fields) || len(a.Cases) != len(b.Cases) ||
		len(a.Labels) != len(b.Labels) {
		return false
	}
	for i := range a.Fields {
		if (a.Kind == Record && a.Fields[i].Name != b.Fields[i].Name) ||
			!Equal(a.Fields[i].Type, b.Fields[i].Type) {
			return false
		}
	}
	for i := range a.Cases {
		if a.Cases[i].Name != b.Cases[i].Name || !Equal(a.Cases[i].Type, b.Cases[i].Type) {
			return false
		}
	}
	for i := range a.Labels {
		if a.Labels[i] != b.Labels[i] {
			return false
		}
	}
	return Equal(a.Elem, b.Elem) && Equal(a.Key, b.Key)
}

// EqualFunc reports whether two function types are the same but for the names of parameters, which
// do not matter to a call.
func EqualFunc(a, b *Func) bool {
	if a.Async != b.Async || len(a.Params) != len(b.Params) || !Equal(a.Result, b.Result) {
		return false
	}
	for i := range a.Params {
		if !Equal(a.Params[i].Type, b.Params[i].Type) {
			return false
		}
	}
	return true
}
