package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/tetratelabs/wazero"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// code is compiled code, shared by modules that differ in data alone: for them there is nothing to
// rewrite, to validate or to look up.
type code struct {
	compiled  wazero.CompiledModule
	extraRefs int
	digest    string
	stub      []byte // nil without a cache folder
	refs      int    // modules; guarded by Engine.mu

	// What the code was made from. The module is the newest that uses it, so
	// that nothing of older ones is kept.
	imports   []Import
	options   corewasm.Options
	rewritten *corewasm.Rewritten
}

// share sets the code of m to that of a live module that differs from m in data alone, and reports
// whether there is one.
func (e *Engine) share(m *Module, opt corewasm.Options) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.codes {
		if !slices.Equal(c.imports, m.source.Imports) || c.options.Lines != opt.Lines ||
			c.options.Instructions != opt.Instructions ||
			!slices.Equal(c.options.Known, opt.Known) {
			continue
		}
		if adapted, ok := c.rewritten.Adapt(m.info, opt); ok {
			c.refs++
			c.rewritten = adapted
			m.code, m.rewritten, m.digest, m.fromCache = c, adapted, c.digest, true
			return true
		}
	}
	return false
}

// adopt sets the code of m, which was rewritten, to that of a live module that was rewritten to the
// same, and reports whether there is one.
func (e *Engine) adopt(m *Module, stub []byte, opt corewasm.Options) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.codes {
		if c.digest == m.digest {
			c.refs++
			m.rewritten.Wasm = nil
			c.imports, c.options, c.rewritten, c.stub = m.source.Imports, opt, m.rewritten, stub
			m.code, m.fromCache = c, true
			return true
		}
	}
	return false
}

// keep makes the code of m, just compiled, known for sharing.
func (e *Engine) keep(m *Module, c compilation, stub []byte, opt corewasm.Options) {
	m.code = &code{
		compiled: c.compiled, extraRefs: c.extraRefs, digest: m.digest, refs: 1,
		imports: m.source.Imports, options: opt, rewritten: m.rewritten, stub: stub,
	}
	e.mu.Lock()
	e.codes = append(e.codes, m.code)
	e.mu.Unlock()
}

// rememberShared keeps the record of a module that shares its code, for the next start.
func (e *Engine) rememberShared(m *Module, opt corewasm.Options) {
	kept, ok := m.rewritten.Keep()
	if e.disk == nil || !ok {
		return
	}
	e.mu.Lock()
	stub := m.code.stub
	e.mu.Unlock()
	source, digest := m.source, m.digest
	e.disk.background(func() { // hashing the module takes time
		key := e.disk.recordKey(&source, opt)
		e.disk.keepModule(key, record{recordHead{digest, kept}, stub})
	})
}

// release releases a module's share of its code.
func (e *Engine) release(ctx context.Context, c *code) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.refs--; c.refs > 0 {
		return nil
	}
	e.codes = slices.DeleteFunc(e.codes, func(other *code) bool { return other == c })
	var err error
	for range c.extraRefs + 1 {
		err = errors.Join(err, c.compiled.Close(ctx))
	}
	return err
}
