//go:build !linux

package files

// directFolder does nothing: this system has no such step.
func (d *Descriptor) directFolder(string) (p place, ok bool) { return p, false }

// StatAtNow does nothing: this system cannot tell what is in memory.
func (d *Descriptor) StatAtNow(string, bool) (st Stat, ok bool) { return st, false }

// OpenAtNow does nothing, for the same reason.
func (d *Descriptor) OpenAtNow(string, OpenFlags, Flags) (f *Descriptor, ok bool) {
	return nil, false
}
