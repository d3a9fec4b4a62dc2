package host

import "github.com/wasihttp/wasihttp/internal/engine"

// Coverage collects what of the code of guests runs: those of the engine whose EngineOptions have
// it, in instances that have been closed. It is safe for concurrent use.
type Coverage struct{ inner *engine.Coverage }

// NewCoverage returns a Coverage of nothing.
func NewCoverage() *Coverage { return &Coverage{engine.NewCoverage()} }

// What of the code of guests ran: the modules of components, their functions, and the files, lines
// and branches that their debug information names. Names are as people read them.
type (
	CoveredModule = engine.CoveredModule
	CoveredFunc   = engine.CoveredFunc
	CoveredFile   = engine.CoveredFile
	CoveredLine   = engine.CoveredLine
	CoveredBranch = engine.CoveredBranch
)

// DebugFiles says what to do with the files that the debug information of guests names.
type DebugFiles = engine.DebugFiles

// Modules returns what ran, of each module that was compiled, sorted by name. Source files that are
// not wanted are left out of Files. The error says which module cannot be read.
func (c *Coverage) Modules(files DebugFiles) ([]CoveredModule, error) {
	modules, err := c.inner.Modules(files)
	for i := range modules {
		m := &modules[i]
		readableAll(m.Functions)
		for k := range m.Files {
			readableAll(m.Files[k].Functions)
		}
	}
	return modules, err
}

func readableAll(list []CoveredFunc) {
	for i := range list {
		list[i].Name = readable(list[i].Name)
	}
}
